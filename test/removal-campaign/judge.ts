import type { Database } from '../../persistence/database.ts'
import { hasPaid, isIn, liveId, type Learner } from './learners.ts'
import { dueTo, refundedTo, settledTo } from './policy.ts'
import type { ProviderControl } from './provider.ts'
import type { Watcher } from './watcher.ts'

type Books = Awaited<ReturnType<ProviderControl['books']>>

type Case = {
  database: Database
  books: Books
  learners: readonly Learner[]
  removalId: string
  watcher: Watcher
  violated: (what: string) => void
}

type Settlement = {
  enrollmentId: string
  state: string
  verdict: {
    policy: string
    amountMinor: number
    inputs: { completedLessons: number; totalLessons: number }
  } | null
  refundMinor: number
}

/** Compares what there is with what each learner's story says, and with the provider's books. @returns it in one line */
export const judge = async (given: Case): Promise<string> => {
  const { database, books, learners, removalId, watcher, violated } = given
  const query = <Row>(name: string, text: string, values: readonly unknown[] = []) =>
    database.sql.query<Row>({ name: `judge_${name}`, text }, values)
  const settlements = await query<Settlement>(
    'settlements',
    `select enrollment_id as "enrollmentId", state, snapshot->'context'->'verdict' as verdict,
      (snapshot->'context'->>'refundMinor')::integer as "refundMinor" from settlement where removal_id = $1`,
    [removalId],
  )
  const enrollments = await query<{ id: string; state: string }>(
    'enrollments',
    'select id, state from enrollment',
  )
  const states = new Map(enrollments.map(({ id, state }) => [id, state]))
  const settled = new Map(settlements.map((row) => [row.enrollmentId, row]))
  for (const learner of learners) {
    checkMoney(learner, books, violated)
    const share = shareOf(learner, settled.get(liveId(learner)))
    checkEnrollment(learner, { states, share, violated })
    checkSettlement(learner, settled.get(liveId(learner)), { share, violated })
  }
  const inIt = learners.filter(isIn).length
  if (settlements.length !== inIt)
    violated(`there are ${settlements.length} settlements of ${inIt} enrollments`)
  const live = enrollments.filter(({ state }) => LIVE.has(state))
  if (live.length > 0) violated(`${live.length} enrollments are live: ${JSON.stringify(live[0])}`)
  const shares = learners.map((learner) => shareOf(learner, settled.get(liveId(learner))))
  await checkRemoval(
    given,
    query,
    shares.reduce((sum, share) => sum + share, 0n),
  )
  await checkWatcher({ removalId, watcher, violated }, query)
  const refunded = Object.values(books).reduce((sum, { refundedMinor }) => sum + BigInt(refundedMinor), 0n)
  const counted = [...Map.groupBy(settlements, ({ state }) => state)].map(
    ([state, { length }]) => `${length} ${state}`,
  )
  return `${settlements.length} settlements (${counted.join(', ')}); the provider has refunded ${refunded}; ${watcher.applied.length} events were heard`
}

const LIVE = new Set(['requested', 'pendingPayment', 'active', 'suspended', 'completed', 'closing'])

const checkMoney = (learner: Learner, books: Books, violated: Case['violated']) => {
  const { paymentId, story, price } = learner
  const theirs = books[paymentId]
  const place = `${paymentId} (${JSON.stringify(learner)})`
  const charged = story === 'unpaid' ? 0 : price
  if ((theirs?.chargedMinor ?? 0) !== charged)
    violated(`${place}: the provider has charged ${theirs?.chargedMinor} and not ${charged}`)
  const refunded = BigInt(theirs?.refundedMinor ?? 0)
  if (refunded !== refundedTo(learner))
    violated(`${place}: the provider has refunded ${refunded} and not ${refundedTo(learner)}`)
  if (theirs && theirs.refundPendingMinor > 0)
    violated(`${place}: ${theirs.refundPendingMinor} are still on their way`)
  const notes = (theirs?.refunds ?? [])
    .filter(({ status }) => status !== 'failed')
    .map((refund) => refund.merchantNote)
  if (new Set(notes).size < notes.length) violated(`${place}: refunded twice: ${notes.join(', ')}`)
}

/** What the settlement had to give back. Whoever pays at the last moment may be told by it or, a moment later, by the payment. */
const shareOf = (learner: Learner, found: Settlement | undefined): bigint =>
  learner.story === 'late' && found?.state === 'refunded' ? BigInt(learner.price) : settledTo(learner)

type Share = { share: bigint; violated: Case['violated'] }

const checkEnrollment = (
  learner: Learner,
  { states, share, violated }: Share & { states: ReadonlyMap<string, string> },
) => {
  const { story, enrollmentId } = learner
  if (story === 'alone') return
  const state = states.get(liveId(learner)) ?? 'missing'
  const expected = story === 'dropped' ? 'dropped' : share > 0n ? 'refunded' : 'cancelled'
  if (state !== expected) violated(`${JSON.stringify(learner)} is ${state} and not ${expected}`)
  if (story === 'returned' && states.get(enrollmentId) !== 'dropped')
    violated(`${JSON.stringify(learner)}: the first enrollment is ${states.get(enrollmentId)}`)
}

const checkSettlement = (learner: Learner, found: Settlement | undefined, { share, violated }: Share) => {
  const place = JSON.stringify(learner)
  if (!isIn(learner)) {
    if (found) violated(`${place} has a settlement`)
    return
  }
  if (!found) return violated(`${place} has no settlement`)
  const { verdict, refundMinor, state } = found
  if (BigInt(refundMinor) !== share) violated(`${place} is settled with ${refundMinor} and not ${share}`)
  if (!hasPaid(learner)) return
  if (BigInt(verdict?.amountMinor ?? -1) !== dueTo(learner) || verdict?.policy !== 'removal@1')
    violated(`${place} is decided as ${JSON.stringify(verdict)} and not ${dueTo(learner)}`)
  const expected = share > 0n ? 'refunded' : 'cancelled'
  if (state !== expected) violated(`${place}: the settlement is ${state} and not ${expected}`)
}

type Query = <Row>(name: string, text: string, values?: readonly unknown[]) => Promise<Row[]>

const checkRemoval = async ({ learners, removalId, violated }: Case, query: Query, expected: bigint) => {
  type Row = {
    state: string
    context: { total: number; processed: number; refunded: Record<string, number> }
  }
  const [removal] = await query<Row>(
    'removal',
    `select state, snapshot->'context' as context from removal where id = $1`,
    [removalId],
  )
  const { state, context } = removal!
  const total = learners.filter(isIn).length
  if (state !== 'done' || context.total !== total || context.processed !== total)
    violated(`the removal is ${state}: ${JSON.stringify(context)} of ${total}`)
  if (BigInt(context.refunded['NGN'] ?? 0) !== expected)
    violated(`the removal has given back ${context.refunded['NGN']} and not ${expected}`)
  const [left] = await query<{ n: number; dead: number }>(
    'effects',
    `select count(*) filter (where status = 'pending' and name <> 'verifyPayment')::integer as n,
      count(*) filter (where status = 'dead')::integer as dead from effect`,
  )
  if (left!.n > 0) violated(`${left!.n} effects are pending`)
  if (left!.dead > 0) violated(`${left!.dead} effects have failed for good`)
}

/** Each event of the journal once, in order. */
const checkWatcher = async (
  { removalId, watcher, violated }: Pick<Case, 'removalId' | 'watcher' | 'violated'>,
  query: Query,
) => {
  for (const fault of watcher.faults) violated(`whoever watches was sent ${fault}`)
  const turns = await query<{ version: number; message: string; types: string[] }>(
    'journal',
    `select version::integer, type as message, (select coalesce(json_agg(event->>'type'), '[]') from jsonb_array_elements(events) as event) as types
     from journal where actor_type = 'removal' and actor_id = $1 order by version`,
    [removalId],
  )
  const stored = turns.flatMap(({ version, types }) => types.map((type) => `@${version} ${type}`))
  const heard = watcher.applied.map(({ version, type }) => `@${version} ${type}`)
  // Whoever begins to watch is told by a snapshot what there was before.
  const expected = stored.slice(stored.length - heard.length)
  if (heard.length === 0 || expected.join() !== heard.join())
    violated(
      `whoever watches heard ${heard.length} events and not these ${stored.length}: ${heard.join()} / ${stored.join()}`,
    )
  // What is tried again takes a step back, and one forth.
  const again = turns.filter(({ message }) => message === 'settlement.reopened').length
  if (stored.length > MOST_EVENTS + 2 * again) violated(`${stored.length} events are a flood`)
}

/** A hundred steps, and what is said besides. */
const MOST_EVENTS = 120
