import { hasPaid, isIn, type Learner } from './learners.ts'

/**
 * What the removal owes somebody for the enrollment, computed apart from the product and in whole numbers of any size:
 * everything while no lesson was completed, nothing after more than half of them, and what was not used in between,
 * rounded half up.
 */
export const dueTo = ({ price, before, completed, scheduled }: Learner): bigint => {
  const total = BigInt(price)
  if (before + completed === 0) return total
  const [done, all] = [BigInt(before + completed), BigInt(before + completed + scheduled)]
  if (done * 2n > all) return 0n
  const [whole, rest] = [(total * (all - done)) / all, (total * (all - done)) % all]
  return rest * 2n >= all ? whole + 1n : whole
}

/** What had gone back, or went back for another reason. */
const besides = ({ earlier, asked, isRejected }: Learner) => BigInt(earlier + (isRejected ? 0 : asked))

const larger = (one: bigint, other: bigint) => (one > other ? one : other)

/** What the provider has given back to this payment in the end; what went back before counts. */
export const refundedTo = (learner: Learner): bigint => {
  const { story, price } = learner
  // Whoever has paid and cannot come in any more, or never did, gets everything.
  if (story === 'late' || story === 'alone') return BigInt(price)
  if (!hasPaid(learner) || !isIn(learner)) return 0n
  return larger(dueTo(learner), besides(learner))
}

/** What of that the settlement itself gave back. */
export const settledTo = (learner: Learner): bigint => {
  if (!hasPaid(learner) || !isIn(learner)) return 0n
  return larger(dueTo(learner) - besides(learner), 0n)
}

/** What the dry run says, which looks at what was paid only. */
export const plannedFor = (learner: Learner): bigint =>
  hasPaid(learner) && isIn(learner) ? dueTo(learner) : 0n
