import { assertEvent, emit, setup } from 'xstate'
import type {
  CertificationCommand,
  CertificationEvent,
  CertificationStatus,
  CertificationView,
  StandingChanged,
} from '../contracts/certification.ts'
import type { Envelope } from '../contracts/contract.ts'
import type { MentorReassigned } from '../contracts/mentor.ts'
import {
  correctionFault,
  correctionOf,
  remindersAfter,
  type Facts,
  type Policy,
} from './certification-dates.ts'
import type { Notice } from './notification.ts'
import {
  atOf,
  validityDelays,
  validityGuards,
  validityStates,
  reinstatedAt,
  reminded,
  renewedBy,
  revokedFor,
  settledAt,
  suspendedFor,
  type Validity,
} from './validity.ts'

type Certificate = Pick<CertificationView, 'id' | 'mentorId' | 'coordinatorId' | keyof Facts> & {
  orgId: string
  mentorUserId: string
  policy: Policy
}

/** `import`: a record of the past, so that having expired is no news. */
export type CertificationInput = Certificate & Envelope & { import: boolean }

export type CertificationContext = Certificate &
  Validity & {
    status: CertificationStatus
    /** It had expired when it was imported and has not been valid since. */
    imported: boolean
    suspendedReason: string | null
    revokedReason: string | null
    /** The mentor's version at the newest reassignment; older ones arrive late and are ignored. */
    mentorVersion: number
  }

type CertificationMessage =
  | Exclude<CertificationCommand, { type: 'issue' }>
  | (MentorReassigned & Envelope & Required<Pick<Envelope, 'source'>>)

type Alarming = 'reminderDue' | 'expired' | 'suspended' | 'reinstated' | 'revoked'

const certification = setup({
  types: {
    context: {} as CertificationContext,
    input: {} as CertificationInput,
    events: {} as CertificationMessage,
    emitted: {} as CertificationEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'mentor'; id: string; message: StandingChanged }) => {},
    create: (_, _params: Notice) => {},
  },
  guards: validityGuards,
  delays: validityDelays,
})

const settle = certification.enqueueActions(({ context, event, enqueue }) => {
  const { status, news } = settledAt(context, atOf(event))
  const isGood = status === 'valid' || status === 'expiring_soon'
  if (news === 'expiring_soon') enqueue.emit({ type: 'certification.expiringSoon', ...factsOf(context) })
  if (news === 'expired') {
    enqueue.emit({ type: 'certification.expired', ...factsOf(context) })
    enqueue({ type: 'create', params: noticeOf(context, 'expired', 'has expired') })
  }
  enqueue.assign({ status, imported: context.imported && !isGood })
})

const remind = certification.enqueueActions(({ context, enqueue }) => {
  const { daysBefore, remindersLeft } = reminded(context)
  enqueue.emit({ type: 'certification.reminderDue', ...factsOf(context), daysBefore })
  const said = `expires on ${context.expiresAt.slice(0, 10)}`
  enqueue({ type: 'create', params: noticeOf(context, 'reminderDue', said) })
  enqueue.assign({ remindersLeft })
})

const renew = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'renew')
  const { issuedAt, expiresAt } = event
  const { renewal, changes } = renewedBy(context, context.expiresAt, event)
  enqueue.emit({ type: 'certification.renewed', ...factsOf(context), issuedAt, expiresAt, ...renewal })
  enqueue.assign(changes)
})

const correct = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'correct')
  const { mentorId, ...previous } = factsOf(context)
  const { reason, at } = event
  const corrected = correctionOf(context, event)
  enqueue.emit({ type: 'certification.corrected', mentorId, ...corrected, reason, previous })
  enqueue.assign(corrected)
  // The same expiry keeps its ladder, or a reminder that is late would be lost.
  if (corrected.expiresAt !== previous.expiresAt)
    enqueue.assign({ remindersLeft: remindersAfter(at, corrected.expiresAt, context.policy) })
})

const suspend = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'suspend')
  enqueue.emit({ type: 'certification.suspended', ...factsOf(context), reason: event.reason })
  enqueue({ type: 'create', params: noticeOf(context, 'suspended', 'has been suspended') })
  enqueue.assign(suspendedFor(event.reason))
})

const reinstate = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'reinstate')
  enqueue.emit({ type: 'certification.reinstated', ...factsOf(context) })
  enqueue({ type: 'create', params: noticeOf(context, 'reinstated', 'has been reinstated') })
  enqueue.assign(reinstatedAt(context, event.at))
})

const revoke = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'revoke')
  enqueue.emit({ type: 'certification.revoked', ...factsOf(context), reason: event.reason })
  enqueue({ type: 'create', params: noticeOf(context, 'revoked', 'has been revoked') })
  enqueue.assign(revokedFor(event.reason))
})

const reassign = certification.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'mentor.reassigned')
  const { coordinatorId, source } = event
  const previous = { previousCoordinatorId: context.coordinatorId }
  if (coordinatorId !== context.coordinatorId)
    enqueue.emit({ type: 'certification.reassigned', ...factsOf(context), ...previous, coordinatorId })
  enqueue.assign({ coordinatorId, mentorVersion: source.version })
})

/** One certificate of one mentor, who is told each time that it may stand elsewhere. */
export const certificationMachine = certification
  .extend({ actions: { settle, remind, renew, correct, suspend, reinstate, revoke, reassign } })
  .createMachine({
    id: 'certification@1',
    context: ({ input: { at, by: _by, import: isImport, ...certificate } }) => {
      const imported = isImport && certificate.expiresAt <= at
      return {
        ...certificate,
        status: imported ? 'expired' : 'valid',
        imported,
        renewals: [],
        remindersLeft: remindersAfter(at, certificate.expiresAt, certificate.policy),
        suspendedReason: null,
        revokedReason: null,
        mentorVersion: 0,
      }
    },
    entry: emit(({ context }) => {
      return { type: 'certification.issued', ...factsOf(context), imported: context.imported }
    }),
    on: {
      // A wrong record can always be corrected; a revoked certificate stays revoked.
      correct: {
        guard: ({ context, event }) => !correctionFault(context, event),
        target: '.settling',
        actions: 'correct',
      },
      'mentor.reassigned': {
        guard: ({ context, event }) => event.source.version > context.mentorVersion,
        actions: 'reassign',
      },
    },
    initial: 'settling',
    states: {
      ...validityStates,
      settling: {
        ...validityStates.settling,
        entry: [
          'settle',
          {
            type: 'tell',
            params: ({ context }) => ({
              actor: 'mentor',
              id: context.mentorId,
              message: standingOf(context),
            }),
          },
        ],
      },
    },
  })

/** What every event of a certification carries. */
const factsOf = ({ mentorId, certType, issuedAt, expiresAt }: Certificate) => {
  return { mentorId, certType, issuedAt, expiresAt }
}

const standingOf = (context: CertificationContext): StandingChanged => {
  const { id: certificationId, certType, status: standing, expiresAt, coordinatorId, imported } = context
  const type = 'certification.standingChanged'
  return { type, certificationId, certType, standing, expiresAt, coordinatorId, imported }
}

const noticeOf = (
  { id, orgId, mentorUserId: recipientId, certType, issuedAt, expiresAt }: CertificationContext,
  fact: Alarming,
  said: string,
): Notice => {
  const subject = { actor: 'certification', id } as const
  const title = certType.replaceAll('_', ' ')
  const text = `Your certificate for ${title} ${said}.`
  const data = { certType, title, issuedAt, expiresAt }
  return {
    actor: 'notification',
    input: { orgId, recipientId, topic: `certification.${fact}`, subject, text, data },
  }
}
