/** What a policy looks at; all of it is kept beside the decision, so that anybody can decide it again. */
export type RefundCase = {
  /** What the learner has paid. Minor units. */
  totalMinor: number
  enrolledAt: string
  completedLessons: number
  /** All lessons that were arranged and not called off. */
  totalLessons: number
}

/** What a policy says: how much of the total is due to the learner, and why. `review` leaves it to people. */
export type RefundDecision = {
  /** Name and version; a policy never changes, it gets a successor. */
  policy: string
  decision: 'full' | 'partial' | 'none' | 'review'
  /** Minor units of the payment's currency; nothing while people have to decide. */
  amountMinor: number
  /** For the learner and the books. */
  note: string
}

export type RefundPolicy = (given: RefundCase, at: string) => RefundDecision

/** Who removes an offering gives back what was not used, and nothing once more than half of it was (S2.57, S2.58). */
const removal: RefundPolicy = ({ totalMinor, completedLessons, totalLessons }) => {
  const policy = 'removal@1'
  const done = `${completedLessons}/${totalLessons} lessons completed`
  if (completedLessons === 0)
    return {
      policy,
      decision: 'full',
      amountMinor: totalMinor,
      note: 'Full refund - no lessons completed',
    }
  if (2 * completedLessons > totalLessons)
    return { policy, decision: 'none', amountMinor: 0, note: `No refund: ${done} (over 50%)` }
  const unused = totalLessons - completedLessons
  return {
    policy,
    decision: 'partial',
    amountMinor: shareOf(totalMinor, unused, totalLessons),
    note: `Pro-rata refund: ${done}, refunding ${unused} unused lessons`,
  }
}

/** Who is not content after the first lesson, and strictly then, gets everything back without asking anybody (S2.67). */
const firstLesson: RefundPolicy = ({ totalMinor, completedLessons }) =>
  completedLessons === 1
    ? {
        policy: 'firstLesson@1',
        decision: 'full',
        amountMinor: totalMinor,
        note: 'Full refund after the first lesson',
      }
    : {
        policy: 'firstLesson@1',
        decision: 'review',
        amountMinor: 0,
        note: `${completedLessons} lessons completed: an administrator decides`,
      }

/** Within so many days everything comes back, whatever was done; after that people decide. */
const within =
  (days: number): RefundPolicy =>
  ({ totalMinor, enrolledAt }, at) => {
    const policy = `within${days}Days@1`
    return Date.parse(at) - Date.parse(enrolledAt) <= days * DAY_MS
      ? { policy, decision: 'full', amountMinor: totalMinor, note: `Full refund within ${days} days` }
      : {
          policy,
          decision: 'review',
          amountMinor: 0,
          note: `More than ${days} days after enrolling: an administrator decides`,
        }
  }

/**
 * The policy of this name, such as `removal@1` or `within14Days@1`.
 * @throws when there is none
 */
export const refundPolicy = (name: string): RefundPolicy => {
  if (name === 'removal@1') return removal
  if (name === 'firstLesson@1') return firstLesson
  const days = /^within([1-9]\d{0,2})Days@1$/.exec(name)?.[1]
  if (days === undefined) throw new Error(`there is no refund policy '${name}'`)
  return within(Number(days))
}

/** `part / whole` of an amount, in whole minor units, half up; exact while amount × part < 2^52. */
const shareOf = (amountMinor: number, part: number, whole: number): number =>
  Math.floor((2 * amountMinor * part + whole) / (2 * whole))

const DAY_MS = 24 * 60 * 60_000
