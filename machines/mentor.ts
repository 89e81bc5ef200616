import { emit, enqueueActions, setup } from 'xstate'
import type { BadgeFiled } from '../contracts/badge.ts'
import type { StandingChanged } from '../contracts/certification.ts'
import type { Envelope } from '../contracts/contract.ts'
import type { Hold, HoldKind, MentorCommand, MentorEvent, MentorReassigned } from '../contracts/mentor.ts'

export type MentorInput = Envelope & {
  id: string
  orgId: string
  userId: string
  coordinatorId: string
  /** The organisation's settings, as they were at registration. */
  policy: { requiredCertTypes: readonly string[] }
}

export type MentorContext = Pick<MentorInput, 'id' | 'orgId' | 'userId' | 'coordinatorId' | 'policy'> & {
  /** At most one of each kind, in alphabetical order. */
  holds: readonly Hold[]
  /** By certification, the newest that it told; `version` is the certification's own. */
  certifications: Readonly<Record<string, KnownCertification>>
  /** There are badges to be told of another coordinator. */
  hasBadges?: true
}

type KnownCertification = Pick<StandingChanged, 'certType' | 'standing' | 'expiresAt' | 'imported'> & {
  version: number
}

type MentorMessage =
  | Exclude<MentorCommand, { type: 'register' }>
  | ((StandingChanged | BadgeFiled) & Envelope & Required<Pick<Envelope, 'source'>>)

/**
 * One mentor. Each reason to be on hold comes and goes by itself, so nobody lifts what somebody else has put; the
 * mentor is active exactly while there is none. Standings may arrive late, twice and in any order: the newest of each
 * certification counts.
 */
export const mentorMachine = setup({
  types: {
    context: {} as MentorContext,
    input: {} as MentorInput,
    events: {} as MentorMessage,
    emitted: {} as MentorEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'certification' | 'badge'; id: string; message: MentorReassigned }) => {},
    tellAll: (
      _,
      _params: { actor: 'badge'; where: { recipientId: string }; message: MentorReassigned },
    ) => {},
  },
}).createMachine({
  id: 'mentor@1',
  context: ({ input: { id, orgId, userId, coordinatorId, policy } }) => ({
    id,
    orgId,
    userId,
    coordinatorId,
    policy,
    holds: [],
    certifications: {},
  }),
  entry: emit(({ context: { userId, coordinatorId } }) => {
    return { type: 'mentor.registered', userId, coordinatorId }
  }),
  initial: 'active',
  states: {
    active: { always: { guard: ({ context }) => context.holds.length > 0, target: 'held' } },
    held: {
      always: { guard: ({ context }) => context.holds.length === 0, target: 'active' },
      on: {
        resume: {
          guard: ({ context, event }) =>
            !isHeldBy(context, 'certification') && liftableHolds(context, event.by).length > 0,
          actions: enqueueActions(({ context, event, enqueue }) => {
            let { holds } = context
            for (const lifted of liftableHolds(context, event.by)) {
              holds = holds.filter(({ hold }) => hold !== lifted.hold)
              enqueue.emit({ type: 'mentor.released', ...changeOf(context, lifted, holds) })
            }
            enqueue.assign({ holds })
          }),
        },
      },
    },
  },
  on: {
    pause: {
      guard: ({ context, event }) => !isHeldBy(context, ownHold(context, event.by)),
      actions: enqueueActions(({ context, event, enqueue }) => {
        const added = { hold: ownHold(context, event.by), reason: event.reason }
        const holds = withHold(context.holds, added)
        enqueue.emit({ type: 'mentor.held', ...changeOf(context, added, holds) })
        enqueue.assign({ holds })
      }),
    },
    reassign: {
      guard: ({ context, event }) => event.coordinatorId !== context.coordinatorId,
      actions: enqueueActions(({ context, event: { coordinatorId }, enqueue }) => {
        const { userId, coordinatorId: previousCoordinatorId, certifications } = context
        enqueue.emit({ type: 'mentor.reassigned', userId, previousCoordinatorId, coordinatorId })
        enqueue.assign({ coordinatorId })
        for (const id of Object.keys(certifications))
          enqueue({ type: 'tell', params: reassignmentOf(id, coordinatorId) })
        if (!context.hasBadges) return
        const message = { type: 'mentor.reassigned', coordinatorId } as const
        enqueue({
          type: 'tellAll',
          params: { actor: 'badge', where: { recipientId: context.id }, message },
        })
      }),
    },
    'badge.filed': {
      actions: enqueueActions(({ context, event: { coordinatorId, source }, enqueue }) => {
        if (!context.hasBadges) enqueue.assign({ hasBadges: true })
        // It was awarded while the mentor changed hands.
        if (coordinatorId === context.coordinatorId) return
        const message = { type: 'mentor.reassigned', coordinatorId: context.coordinatorId } as const
        enqueue({ type: 'tell', params: { actor: 'badge', id: source.id, message } })
      }),
    },
    'certification.standingChanged': {
      guard: ({ context, event }) =>
        event.source.version > (context.certifications[event.certificationId]?.version ?? 0),
      actions: enqueueActions(({ context, event, enqueue }) => {
        const { certificationId, certType, standing, expiresAt, imported, source } = event
        const known = { version: source.version, certType, standing, expiresAt, imported }
        const certifications = { ...context.certifications, [certificationId]: known }
        enqueue.assign({ certifications })
        // It was issued while the mentor changed hands.
        if (event.coordinatorId !== context.coordinatorId)
          enqueue({ type: 'tell', params: reassignmentOf(certificationId, context.coordinatorId) })

        const lapsed = lapsedTypes({ ...context, certifications }).length > 0
        if (lapsed === isHeldBy(context, 'certification')) return
        const others = context.holds.filter(({ hold }) => hold !== 'certification')
        const holds = lapsed ? withHold(others, LAPSED) : others
        enqueue.emit({
          type: lapsed ? 'mentor.held' : 'mentor.released',
          ...changeOf(context, LAPSED, holds),
        })
        enqueue.assign({ holds })
      }),
    },
  },
})

const LAPSED: Hold = { hold: 'certification', reason: 'certification_expired' }

/**
 * The required types that the mentor was certified for and no longer is. A certificate that had expired when it was
 * imported counts for nothing: importing history holds nobody.
 */
export const lapsedTypes = ({
  certifications,
  policy,
}: Pick<MentorContext, 'certifications' | 'policy'>): string[] =>
  policy.requiredCertTypes.filter((required) => {
    const ever = Object.values(certifications).filter(
      ({ certType, imported }) => certType === required && !imported,
    )
    return (
      ever.length > 0 && !ever.some(({ standing }) => standing === 'valid' || standing === 'expiring_soon')
    )
  })

/** The kind of hold that this user puts: the mentor's own wish, or administration. */
export const ownHold = ({ userId }: { userId: string }, by: string | undefined): HoldKind =>
  by === userId ? 'voluntary' : 'admin'

/** The holds that this user may lift; a missing certificate is lifted by a valid one only. */
const liftableHolds = (
  context: Pick<MentorContext, 'userId' | 'holds'>,
  by: string | undefined,
): readonly Hold[] =>
  context.holds.filter(
    ({ hold }) => hold === 'voluntary' || (hold === 'admin' && ownHold(context, by) === 'admin'),
  )

export const isHeldBy = ({ holds }: Pick<MentorContext, 'holds'>, kind: HoldKind): boolean =>
  holds.some(({ hold }) => hold === kind)

/** In one order whichever came first. */
const withHold = (holds: readonly Hold[], added: Hold): readonly Hold[] =>
  [...holds, added].toSorted((a, b) => (a.hold < b.hold ? -1 : 1))

const changeOf = (
  { userId, coordinatorId }: MentorContext,
  { hold, reason }: Hold,
  holds: readonly Hold[],
) => ({ userId, coordinatorId, hold, reason, holds: holds.map((each) => each.hold) })

const reassignmentOf = (id: string, coordinatorId: string) =>
  ({ actor: 'certification', id, message: { type: 'mentor.reassigned', coordinatorId } }) as const
