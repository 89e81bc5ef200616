import { assertEvent, setup } from 'xstate'
import type { FirstAward } from '../contracts/badge-definition.ts'
import type {
  AwardedBy,
  BadgeCommand,
  BadgeEvent,
  BadgeEvidence,
  BadgeFiled,
  BadgeNews,
} from '../contracts/badge.ts'
import type { Envelope } from '../contracts/contract.ts'
import type { MentorReassigned } from '../contracts/mentor.ts'
import type { Notice } from './notification.ts'

export type BadgeInput = Envelope & {
  id: string
  orgId: string
  definitionId: string
  /** The mentor, or the user who is none. */
  recipientId: string
  recipientUserId: string
  /** Of the mentor; nobody's for everybody else. */
  coordinatorId: string | null
  name: string
  description: string
  iconKey: string
  criteria: string
  /** Empty where it is earned once. */
  period: string
  /** The so-manieth of this recipient in this period; those before it are revoked. */
  ordinal: number
  awardedBy: AwardedBy
  awardedById: string | null
  evidence: BadgeEvidence | null
  /** Nobody had earned it before, as far as its definition knew. */
  isFirst: boolean
  /** Ids of the two notifications that there may be of it. */
  notices: { earned: string; revoked: string }
}

export type BadgeContext = Omit<BadgeInput, keyof Envelope> & {
  earnedAt: string
  notifiedAt: string | null
  revokedAt: string | null
  revokedBy: AwardedBy | null
  revokeReason: string | null
  shown: boolean
  /** Of the mentor, when it last said whose coordinator is in charge. */
  mentorVersion: number
}

type BadgeMessage =
  | (BadgeCommand & { asSystem?: boolean })
  | (BadgeNews & Envelope)
  | (MentorReassigned & Envelope & Required<Pick<Envelope, 'source'>>)

type Told =
  | { actor: 'badgeDefinition'; id: string; message: FirstAward }
  | { actor: 'mentor'; id: string; message: BadgeFiled }

/** What somebody has awarded, also in the name of the system, somebody takes back. */
export const isOfEvaluation = ({ awardedBy, awardedById }: Pick<BadgeContext, 'awardedBy' | 'awardedById'>) =>
  awardedBy === 'system' && awardedById === null

const badge = setup({
  types: {
    context: {} as BadgeContext,
    input: {} as BadgeInput,
    events: {} as BadgeMessage,
    emitted: {} as BadgeEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    create: (_, _params: Notice) => {},
  },
  guards: {
    isOfEvaluation: ({ context }) => isOfEvaluation(context),
    isHidden: ({ context }) => !context.shown,
    isShown: ({ context }) => context.shown,
    isNewsOfMentor: ({ context, event }) =>
      event.type === 'mentor.reassigned' && event.source.version > context.mentorVersion,
    isNotNotified: ({ context }) => context.notifiedAt === null,
  },
})

const factsOf = ({ definitionId, recipientId, recipientUserId, name, period }: BadgeContext) => {
  return { definitionId, recipientId, recipientUserId, name, period }
}

/** Whoever is no mentor is known by the user's own id. */
export const mentorIdOf = ({
  recipientId,
  recipientUserId,
}: Pick<BadgeContext, 'recipientId' | 'recipientUserId'>): string | null =>
  recipientId === recipientUserId ? null : recipientId

const notify = (topic: 'badge.earned' | 'badge.revoked', text: (context: BadgeContext) => string) =>
  badge.enqueueActions(({ context, enqueue }) => {
    const { id, orgId, recipientUserId: recipientId, definitionId, name, notices } = context
    const subject = { actor: 'badge', id } as const
    const data = { badgeId: id, definitionId, name }
    const input = { orgId, recipientId, topic, subject, text: text(context), data }
    const noticeId = topic === 'badge.earned' ? notices.earned : notices.revoked
    enqueue({ type: 'create', params: { actor: 'notification', id: noticeId, input } })
  })

const begin = badge.enqueueActions(({ context, enqueue }) => {
  const { definitionId, coordinatorId, awardedBy, isFirst } = context
  enqueue.emit({ type: 'badge.earned', ...factsOf(context), awardedBy })
  if (isFirst)
    enqueue({
      type: 'tell',
      params: { actor: 'badgeDefinition', id: definitionId, message: { type: 'badge.awarded' } },
    })
  // The mentor may have gone to another coordinator at this very moment.
  const mentorId = mentorIdOf(context)
  if (mentorId !== null && coordinatorId !== null)
    enqueue({
      type: 'tell',
      params: { actor: 'mentor', id: mentorId, message: { type: 'badge.filed', coordinatorId } },
    })
  enqueue(notify('badge.earned', ({ name }) => `You have earned the badge “${name}”.`))
})

const revoke = badge.enqueueActions(({ event, enqueue }) => {
  assertEvent(event, ['revoke', 'criteria.lost'])
  const { at, reason } = event
  const byEvaluation = event.type === 'criteria.lost' || event.asSystem === true
  enqueue.assign({
    revokedAt: at,
    revokedBy: byEvaluation ? 'system' : 'admin',
    revokeReason: reason,
  })
  enqueue.emit(({ context }) => ({ type: 'badge.revoked', ...factsOf(context), reason }))
  enqueue(notify('badge.revoked', ({ name }) => `The badge “${name}” has been taken back.`))
})

const show = (shown: boolean) => [
  badge.assign({ shown }),
  badge.emit(({ context }) => ({ type: shown ? 'badge.accepted' : 'badge.declined', ...factsOf(context) })),
]

/** One badge of one person. Whoever earns it again after it was taken back gets another one; this one stays as it ended. */
export const badgeMachine = badge.createMachine({
  id: 'badge@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    earnedAt: at,
    notifiedAt: null,
    revokedAt: null,
    revokedBy: null,
    revokeReason: null,
    shown: true,
    mentorVersion: 0,
  }),
  entry: begin,
  initial: 'earned',
  states: {
    earned: {
      on: {
        // Whoever awards it again comes to this one.
        award: {},
        revoke: { target: 'revoked', actions: revoke },
        'criteria.lost': { guard: 'isOfEvaluation', target: 'revoked', actions: revoke },
        accept: { guard: 'isHidden', actions: show(true) },
        decline: { guard: 'isShown', actions: show(false) },
      },
    },
    revoked: {},
  },
  on: {
    'notification.made': {
      guard: 'isNotNotified',
      actions: badge.assign({ notifiedAt: ({ event }) => event.at }),
    },
    'mentor.reassigned': {
      guard: 'isNewsOfMentor',
      actions: badge.enqueueActions(({ context, event, enqueue }) => {
        assertEvent(event, 'mentor.reassigned')
        const { coordinatorId, source } = event
        enqueue.assign({ mentorVersion: source.version })
        if (coordinatorId === context.coordinatorId) return
        enqueue.emit({ type: 'badge.reassigned', ...factsOf(context), coordinatorId })
        enqueue.assign({ coordinatorId })
      }),
    },
  },
})
