import { setTimeout as sleep } from 'node:timers/promises'
import type { RemovalView } from '../../contracts/removal.ts'
import type { Customer, Teller } from '../money/teller.ts'
import type { Random } from '../kill/random.ts'

/** The administrator's deeds, each repeated until it has an answer. */
export type Clerk = {
  plan: (offeringId: string) => Promise<string>
  command: (id: string, name: 'run' | 'pause' | 'resume') => Promise<void>
  /** The removal as it is now; what does not add up is told. */
  look: (id: string) => Promise<RemovalView>
  until: (id: string, is: (view: RemovalView) => boolean) => Promise<RemovalView>
  /** Tries again what is stuck. @returns the payments that it is about */
  retry: (id: string) => Promise<number>
  /** Sees to refunds that wait for people: decides on them, and says where the money can go. */
  tidy: () => Promise<void>
  /** Refunds and payments that have not come to their end. */
  open: () => Promise<number>
}

type Options = {
  admin: Customer
  ask: Teller
  random: Random
  /** Payments whose payers have asked in vain. */
  rejected: ReadonlySet<string>
  violated: (what: string) => void
  stopped: () => boolean
}

type Row = { id: string; view: { status: string; paymentId: string | null } }

const LOOK_MS = 150
const OPEN_REFUND = [
  'submitting',
  'uncertain',
  'pending',
  'processing',
  'needs_attention',
  'pending_approval',
]
const BANK = { accountNumber: '0001234567', bankId: '9' }

export const createClerk = ({ admin, ask, random, rejected, violated, stopped }: Options): Clerk => {
  let total: number | undefined

  const post = async (path: string, body: object = {}) => {
    const answer = await ask(admin, 'POST', `/api/v1/${path}`, { body, key: random.uuid() })
    if (answer.status >= 500) violated(`${path} is answered with ${answer.status} ${answer.code ?? ''}`)
    return answer
  }

  const look = async (id: string): Promise<RemovalView> => {
    const { status, data, code } = await ask(admin, 'GET', `/api/v1/removals/${id}`)
    if (status !== 200) throw new Error(`the removal cannot be looked at: ${status} ${code ?? ''}`)
    const { view } = data as { view: RemovalView }
    const { pending, processed, failed, review } = view
    const counts = `${processed} processed, ${failed} failed, ${review} review, ${pending} pending, ${view.total} total`
    if (processed + failed + review + pending !== view.total) violated(`the sums are wrong: ${counts}`)
    if (Math.min(pending, processed, failed, review) < 0) violated(`a count is negative: ${counts}`)
    const isRun = view.status === 'running' || view.status === 'paused' || view.status === 'done'
    if (isRun) total ??= view.total
    if (isRun && view.total !== total) violated(`the total was ${total}: ${counts}`)
    return view
  }

  const all = async <Item>(path: string): Promise<Item[]> => {
    const found: Item[] = []
    for (let after = ''; ;) {
      const page = `/api/v1/${path}${path.includes('?') ? '&' : '?'}limit=200${after}`
      const { data } = await ask(admin, 'GET', page)
      found.push(...data.items)
      if (!data.next) return found
      after = `&after=${data.next}`
    }
  }

  return {
    look,
    open: async () => {
      let open = 0
      for (const status of OPEN_REFUND) open += (await all(`refunds?status=${status}`)).length
      return open
    },
    plan: async (offeringId) => {
      const { status, data, code } = await post('removals', { offeringId, reason: 'not as described' })
      if (status !== 201) throw new Error(`the removal is not planned: ${status} ${code ?? ''}`)
      return data.id
    },
    command: async (id, name) => void (await post(`removals/${id}/${name}`)),
    until: async (id, is) => {
      for (;;) {
        const view = await look(id)
        if (is(view) || stopped()) return view
        await sleep(LOOK_MS)
      }
    },
    retry: async (removalId) => {
      let retried = 0
      for (const status of ['failed', 'needs_review']) {
        const rows = await all<Row>(`settlements?removalId=${removalId}&status=${status}`)
        for (const { id } of rows) if ((await post(`settlements/${id}/retry`)).status === 200) retried++
      }
      return retried
    },
    tidy: async () => {
      for (const { id, view } of await all<Row>('refunds?status=pending_approval'))
        if (rejected.has(view.paymentId ?? '')) await post(`refunds/${id}/reject`, { reason: 'used' })
        else await post(`refunds/${id}/approve`)
      for (const { id } of await all<Row>('refunds?status=needs_attention'))
        await post(`refunds/${id}/submitBankDetails`, BANK)
    },
  }
}
