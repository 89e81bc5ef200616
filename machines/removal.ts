import { setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { OfferingToRemoval, RemovalToOffering } from '../contracts/offering.ts'
import type { Counts, RemovalCommand, RemovalEvent, RemovalReport } from '../contracts/removal.ts'
import type { RosterClosed } from '../contracts/roster.ts'
import type { SettlementNews, SettlementOrder } from '../contracts/settlement.ts'

export type RemovalInput = Envelope & {
  id: string
  orgId: string
  offeringId: string
  title: string
  reason: string
  startedBy: string | null
  /** Nothing is done before somebody says so; false from then on. */
  dryRun: boolean
}

export type RemovalContext = Omit<RemovalInput, keyof Envelope> &
  Counts & {
    planned: Readonly<Record<string, number>>
    refunded: Readonly<Record<string, number>>
    createdAt: string
    endedAt: string | null
    failure: string | null
    /** Hundredths of the way that have been told. */
    told: number
  }

type RemovalMessage = Envelope &
  (
    | Exclude<RemovalCommand, { type: 'plan' }>
    | RosterClosed
    | OfferingToRemoval
    | RemovalReport
    | (SettlementNews & Required<Pick<Envelope, 'source'>>)
  )

type Told =
  | { actor: 'offering'; id: string; message: RemovalToOffering }
  | { actor: 'settlement'; id: string; message: SettlementOrder }

type TellAll = { actor: 'settlement'; where: { removalId: string }; message: SettlementOrder }

const removal = setup({
  types: {
    context: {} as RemovalContext,
    input: {} as RemovalInput,
    events: {} as RemovalMessage,
    emitted: {} as RemovalEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    tellAll: (_, _params: TellAll) => {},
    planRemoval: (_, _params: { removalId: string }) => {},
    runRemoval: (_, _params: { removalId: string }) => {},
  },
  guards: {
    isDryRun: ({ context }) => context.dryRun,
    isOver: ({ context }) => context.pending === 0,
    concernsPlan: ({ event }) => event.type === 'effect.failed' && event.effect === 'planRemoval',
  },
})

const progressOf = ({ offeringId, total, pending, processed, failed, review, refunded }: RemovalContext) => ({
  offeringId,
  total,
  pending,
  processed,
  failed,
  review,
  refunded,
})

const say = (type: 'removal.paused' | 'removal.resumed' | 'removal.finished') =>
  removal.emit(({ context }) => ({ type, ...progressOf(context) }))

const plan = removal.enqueueActions(({ context: { id: removalId }, enqueue }) => {
  enqueue({ type: 'planRemoval', params: { removalId } })
})

const run = removal.enqueueActions(({ context: { id: removalId }, enqueue }) => {
  enqueue({ type: 'runRemoval', params: { removalId } })
})

const takePlan = removal.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'planner.finished') return
  const { total, planned } = event
  const counts = { total, pending: total, processed: 0, failed: 0, review: 0 }
  enqueue.assign({ ...counts, planned })
  enqueue.emit({ type: 'removal.planned', ...progressOf({ ...context, ...counts }), planned })
})

/** Ten thousand rows are a hundred words: whoever watches sees it move, and is not flooded. */
const count = removal.enqueueActions(({ context, event, enqueue }) => {
  if (!('source' in event) || !event.source) return
  const next = { ...countsAfter(context, event as SettlementNews), refunded: refundedAfter(context, event) }
  enqueue.assign(next)
  const told = Math.floor((100 * (next.total - next.pending)) / Math.max(next.total, 1))
  if (told !== context.told && next.pending > 0)
    enqueue.emit({ type: 'removal.progressed', ...progressOf({ ...context, ...next }) })
  enqueue.assign({ told })
  const { id } = event.source
  const answer = (message: SettlementOrder) =>
    enqueue({ type: 'tell', params: { actor: 'settlement', id, message } })
  if (event.type === 'settlement.ended' && event.outcome !== 'processed') answer({ type: 'removal.counted' })
  if (event.type === 'settlement.reopened') answer({ type: 'removal.run' })
})

const countsAfter = ({ total, pending, processed, failed, review }: Counts, news: SettlementNews): Counts => {
  const counts = { total, pending, processed, failed, review }
  switch (news.type) {
    case 'settlement.ended':
      counts.pending--
      counts[news.outcome]++
      break
    case 'settlement.reopened':
      counts[news.from]--
      counts.pending++
      break
    case 'settlement.resolved':
      counts[news.from]--
      counts.processed++
  }
  return counts
}

const refundedAfter = ({ refunded }: RemovalContext, event: RemovalMessage) => {
  if (event.type !== 'settlement.ended' || !event.refunded?.minor) return refunded
  const { currency, minor } = event.refunded
  return { ...refunded, [currency]: (refunded[currency] ?? 0) + minor }
}

const counting = {
  'settlement.ended': { actions: count },
  'settlement.reopened': { actions: count },
  'settlement.resolved': { actions: count },
} as const

const fail = removal.enqueueActions(({ context: { offeringId }, event, enqueue }) => {
  const reason = 'reason' in event ? event.reason : 'internal'
  enqueue.assign({ failure: reason })
  enqueue.emit({ type: 'removal.failed', offeringId, reason })
})

/** What has been planned will not be done. */
const endPlan = removal.enqueueActions(({ context: { id: removalId }, enqueue }) => {
  const message = { type: 'removal.discarded' } as const
  enqueue({ type: 'tellAll', params: { actor: 'settlement', where: { removalId }, message } })
})

const discard = (reason: string) =>
  removal.enqueueActions(({ context: { offeringId }, event, enqueue }) => {
    enqueue.assign({ endedAt: event.at })
    enqueue.emit({ type: 'removal.discarded', offeringId, reason })
    enqueue(endPlan)
  })

/**
 * One offering is taken away from everybody. It counts what its settlements say and never does their work: a run that is
 * cut off goes on, row by row, from what has been committed. A dry run makes the same plan and does nothing.
 */
export const removalMachine = removal.createMachine({
  id: 'removal@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    total: 0,
    pending: 0,
    processed: 0,
    failed: 0,
    review: 0,
    planned: {},
    refunded: {},
    createdAt: at,
    endedAt: null,
    failure: null,
    told: 0,
  }),
  entry: removal.emit(({ context: { offeringId, title, reason } }) => {
    return { type: 'removal.started', offeringId, title, reason }
  }),
  initial: 'begun',
  states: {
    begun: { always: [{ guard: 'isDryRun', target: 'planning' }, { target: 'closing' }] },
    planning: {
      entry: plan,
      on: {
        'planner.finished': { target: 'planned', actions: takePlan },
        'effect.failed': { guard: 'concernsPlan', target: 'failed', actions: fail },
        discard: { target: 'discarded', actions: discard('discarded') },
      },
    },
    planned: {
      on: {
        run: {
          target: 'closing',
          actions: removal.enqueueActions(({ context, enqueue }) => {
            const { offeringId: id, reason, startedBy } = context
            const message = { type: 'removal.started', reason, startedBy } as const
            enqueue.assign({ dryRun: false })
            enqueue({ type: 'tell', params: { actor: 'offering', id, message } })
          }),
        },
        discard: { target: 'discarded', actions: discard('discarded') },
      },
    },
    /** Until the roster lets nobody in any more: then everybody who is in is known. */
    closing: {
      on: {
        'roster.closed': { target: 'counting' },
        'offering.gone': { target: 'discarded', actions: discard('offering_gone') },
      },
    },
    counting: {
      entry: plan,
      on: {
        'planner.finished': { target: 'running', actions: takePlan },
        'effect.failed': { guard: 'concernsPlan', target: 'failed', actions: fail },
      },
    },
    running: {
      initial: 'moving',
      always: {
        guard: 'isOver',
        target: 'done',
        actions: [removal.assign({ endedAt: ({ event }) => event.at }), say('removal.finished')],
      },
      on: counting,
      states: {
        moving: {
          entry: run,
          on: { pause: { target: 'paused', actions: say('removal.paused') } },
        },
        paused: {
          on: { resume: { target: 'moving', actions: say('removal.resumed') } },
        },
        /** Only what was reopened is under way. */
        again: {},
      },
    },
    done: {
      on: {
        ...counting,
        'settlement.reopened': {
          target: 'running.again',
          actions: [count, removal.assign({ endedAt: null })],
        },
      },
    },
    discarded: {
      on: {
        // Whoever was planning has made more of them.
        'planner.finished': { actions: endPlan },
        'effect.failed': { guard: 'concernsPlan', actions: endPlan },
      },
    },
    /** The plan could not be made. */
    failed: {
      on: {
        // Nobody is sent away from what is still offered, and nobody is left behind in what is not.
        run: [
          { guard: 'isDryRun', target: 'planning', actions: removal.assign({ failure: null }) },
          { target: 'counting', actions: removal.assign({ failure: null }) },
        ],
        discard: { guard: 'isDryRun', target: 'discarded', actions: discard('discarded') },
      },
    },
  },
})
