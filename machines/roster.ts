import { assertEvent, enqueueActions, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { OfferingToRoster, RosterToOffering } from '../contracts/offering.ts'
import type {
  EnrollmentNews,
  OfferingClosed,
  PaidAlone,
  RosterAnswer,
  RosterClosed,
  RosterEvent,
} from '../contracts/roster.ts'

export type RosterInput = Envelope & { id: string; orgId: string; offeringId: string }

export type RosterContext = Omit<RosterInput, keyof Envelope> & {
  /** Enrollments that were let in and are not over. */
  enrolled: number
  closed: { because: 'deleted' | 'removed'; reason: string } | null
}

type RosterMessage = (EnrollmentNews | OfferingToRoster | PaidAlone) &
  Envelope &
  Required<Pick<Envelope, 'source'>>

type Told =
  | { actor: 'enrollment'; id: string; message: RosterAnswer }
  | { actor: 'offering'; id: string; message: RosterToOffering }
  | { actor: 'removal'; id: string; message: RosterClosed; orCreate: object }
  | { actor: 'purchase'; id: string; message: OfferingClosed }

const roster = setup({
  types: {
    context: {} as RosterContext,
    input: {} as RosterInput,
    events: {} as RosterMessage,
    emitted: {} as RosterEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    tellAll: (
      _,
      _params: { actor: 'purchase'; where: { offeringId: string }; message: OfferingClosed },
    ) => {},
  },
})

/** Nobody is let in after this; what was paid for an enrollment that never began goes back. */
const close = (because: 'deleted' | 'removed') =>
  roster.enqueueActions(({ context: { offeringId }, event, enqueue }) => {
    const reason = 'reason' in event ? event.reason : 'deleted by its tutor'
    enqueue.emit({ type: 'roster.closed', offeringId, closed: because })
    enqueue.assign({ closed: { because, reason } })
    const message = { type: 'offering.closed', reason } as const
    enqueue({ type: 'tellAll', params: { actor: 'purchase', where: { offeringId }, message } })
  })

/** It counts who is enrolled only now, when there can be no more. */
const beginRemoval = roster.enqueueActions(({ context: { orgId, offeringId }, event, enqueue }) => {
  assertEvent(event, 'offering.removed')
  const { removalId: id, title, reason, by: startedBy } = event
  const orCreate = { orgId, offeringId, title, reason, startedBy, dryRun: false }
  const message = { type: 'roster.closed', closed: 'removed' } as const
  enqueue({ type: 'tell', params: { actor: 'removal', id, message, orCreate } })
})

const turnAway = roster.enqueueActions(({ context: { closed }, event: { source }, enqueue }) => {
  const message = { type: 'roster.closed', closed: closed!.because } as const
  enqueue({ type: 'tell', params: { actor: 'enrollment', id: source.id, message } })
})

const leave = roster.assign({
  enrolled: ({ context: { enrolled }, event }) =>
    event.type === 'enrollment.ended' && event.admitted ? enrolled - 1 : enrolled,
})

const answerOffering = (verdict: (context: RosterContext) => RosterToOffering) =>
  roster.enqueueActions(({ context, event: { source }, enqueue }) => {
    enqueue({ type: 'tell', params: { actor: 'offering', id: source.id, message: verdict(context) } })
  })

/**
 * Who is in one offering: the one place where "somebody enrols" and "nobody may enrol any more" meet, so that one of the
 * two comes first. An enrollment asks before it is anything, an offering before it is deleted.
 */
export const rosterMachine = roster.createMachine({
  id: 'roster@1',
  context: ({ input: { id, orgId, offeringId } }) => ({ id, orgId, offeringId, enrolled: 0, closed: null }),
  initial: 'open',
  states: {
    open: {
      on: {
        'enrollment.opened': {
          actions: [
            roster.assign({ enrolled: ({ context }) => context.enrolled + 1 }),
            enqueueActions(({ event: { source }, enqueue }) => {
              const message = { type: 'roster.admitted' } as const
              enqueue({ type: 'tell', params: { actor: 'enrollment', id: source.id, message } })
            }),
          ],
        },
        'offering.deleting': [
          {
            guard: ({ context }) => context.enrolled > 0,
            actions: answerOffering(({ enrolled }) => ({ type: 'roster.busy', count: enrolled })),
          },
          {
            target: 'closed',
            actions: [answerOffering(() => ({ type: 'roster.emptied' })), close('deleted')],
          },
        ],
        'offering.removed': { target: 'closed', actions: [close('removed'), beginRemoval] },
      },
    },
    closed: {
      on: {
        'enrollment.opened': { actions: turnAway },
        'offering.deleting': { actions: answerOffering(() => ({ type: 'roster.emptied' })) },
        // The removal came between the answer to its tutor and the end.
        'offering.removed': {
          guard: ({ context: { closed } }) => closed?.because === 'deleted',
          actions: beginRemoval,
        },
        // Somebody has paid who came too late.
        'purchase.paid': {
          actions: enqueueActions(({ context: { closed }, event: { source }, enqueue }) => {
            const message = { type: 'offering.closed', reason: closed!.reason } as const
            enqueue({ type: 'tell', params: { actor: 'purchase', id: source.id, message } })
          }),
        },
      },
    },
  },
  on: { 'enrollment.ended': { actions: leave } },
})
