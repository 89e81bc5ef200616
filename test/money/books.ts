import type { Control } from '../../src/paystack-simulator/control.ts'
import type { Database } from '../../persistence/database.ts'
import type { Shop } from './shop.ts'

type Row = {
  id: string
  state: string
  payerId: string
  offeringId: string
  charged: number
  refunds: { refundId: string; minor: number; standing: string }[]
}

type Standings = ReturnType<Control['books']>

/** Compares what Laurel and the provider believe about every payment. @returns what there was, in one line */
export const compareBooks = async (
  database: Database,
  theirs: Standings,
  shop: Shop,
  violated: (what: string) => void,
): Promise<string> => {
  const query = <Found>(text: string) => database.sql.query<Found>({ name: `books_${text.length}`, text })
  const payments = await query<Row>(`
    select id, state, payer_id as "payerId", offering_id as "offeringId",
      (snapshot->'context'->>'charged')::bigint::int as charged, snapshot->'context'->'refunds' as refunds
    from payment`)
  const known = new Map(payments.map((payment) => [payment.id, payment]))
  for (const [reference, standing] of Object.entries(theirs)) {
    const ours = known.get(reference)
    if (!ours) violated(`the provider has a transaction ${reference} that Laurel does not know`)
    else compareOne(ours, standing, violated)
  }
  for (const { id, charged } of payments)
    if (charged > 0 && !theirs[id]) violated(`${id} is charged, and the provider has never heard of it`)
  checkPurchases(payments, shop, violated)
  await checkFacts(query, violated)
  // What the provider is asked about later says nothing about money. Of payments that nobody has completed it is asked
  // every few seconds or minutes, so that one question or other may have begun just now; what is stuck is older than that.
  const [left] = await query<{ n: number; which: string | null }>(
    `select count(*)::int as n, string_agg(name || ' ' || id || ' tried ' || attempts || ': ' || coalesce(last_error, '-'), '; ') as which
      from effect where status = 'pending' and next_at < clock_timestamp() + interval '10 s'
        and not (name = 'verifyPayment' and next_at > clock_timestamp() - interval '30 s')`,
  )
  if (left!.n > 0) violated(`${left!.n} effects are still pending: ${left!.which?.slice(0, 1_000)}`)
  const [dead] = await query<{ n: number; names: string | null }>(
    `select count(*)::int as n, string_agg(distinct name || ': ' || last_error, '; ') as names from effect where status = 'dead'`,
  )
  const sum = (of: (row: Row) => number) => payments.reduce((total, row) => total + of(row), 0)
  const states = [...Map.groupBy(payments, ({ state }) => state)].map(
    ([state, rows]) => `${rows.length} ${state}`,
  )
  return [
    `${payments.length} payments (${states.join(', ')})`,
    `charged ${sum(({ charged }) => charged)}`,
    `refunded ${sum((row) => sumOf(row, 'processed'))}`,
    `${sum(({ refunds }) => refunds.length)} refunds`,
    `${dead!.n} dead letters${dead!.names ? ` (${dead!.names.slice(0, 500)})` : ''}`,
  ].join('; ')
}

const compareOne = (ours: Row, theirs: Standings[string], violated: (what: string) => void) => {
  const { id } = ours
  if (theirs.charges > 1) violated(`${id} was charged ${theirs.charges} times`)
  if (ours.charged !== theirs.chargedMinor)
    violated(`${id} (${ours.state}): Laurel has charged ${ours.charged}, the provider ${theirs.chargedMinor}`)
  const refunded = sumOf(ours, 'processed')
  if (refunded !== theirs.refundedMinor)
    violated(`${id} (${ours.state}): Laurel has refunded ${refunded}, the provider ${theirs.refundedMinor}`)
  const pending = sumOf(ours, 'pending')
  if (theirs.refundPendingMinor > pending)
    violated(`${id}: the provider refunds ${theirs.refundPendingMinor}, Laurel only knows of ${pending}`)
  if (refunded + pending > ours.charged) violated(`${id}: more is refunded than was charged`)
  const notes = theirs.refunds
    .filter(({ status }) => status !== 'failed')
    .map(({ merchantNote }) => merchantNote)
  if (new Set(notes).size < notes.length)
    violated(`${id}: one refund was submitted twice: ${notes.join(', ')}`)
}

/** Whoever has bought something has paid for it once. */
const checkPurchases = (payments: readonly Row[], { wishes }: Shop, violated: (what: string) => void) => {
  const bought = Map.groupBy(payments, ({ payerId, offeringId }) => `${payerId} ${offeringId}`)
  for (const { customer, offering } of wishes) {
    const kept = (bought.get(`${customer.id} ${offering.id}`) ?? []).filter(
      (row) => row.charged - sumOf(row, 'processed') - sumOf(row, 'pending') >= offering.minor,
    )
    // A refund that failed leaves money that nobody wanted with us, for people to see to.
    const unwanted = kept.filter(({ refunds }) => refunds.some(({ standing }) => standing === 'failed'))
    if (kept.length - unwanted.length > 1)
      violated(`${customer.email} has paid ${kept.length} times for ${offering.id}`)
  }
}

const checkFacts = async (
  query: <Found>(text: string) => Promise<Found[]>,
  violated: (what: string) => void,
) => {
  const repeated = await query<{ type: string; id: string; n: number }>(`
    select event->>'type' as type, journal.actor_id || coalesce(event->'data'->>'refundId', '') as id, count(*)::int as n
    from journal, jsonb_array_elements(events) as event
    where event->>'type' in ('payment.settled', 'payment.refundIssued', 'payment.refundFailed', 'refund.processed')
    group by 1, 2 having count(*) > 1`)
  for (const { type, id, n } of repeated) violated(`${type} happened ${n} times to ${id}`)
}

const sumOf = ({ refunds }: Row, wanted: string) =>
  refunds.reduce((total, { minor, standing }) => (standing === wanted ? total + minor : total), 0)
