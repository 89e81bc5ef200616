import { assertEvent, emit, enqueueActions, setup } from 'xstate'
import type {
  CertificationCommand,
  CertificationEvent,
  CertificationStatus,
  CertificationView,
  Renewal,
  StandingChanged,
} from '../contracts/certification.ts'
// oxlint-disable-next-line no-restricted-imports -- as in certification-dates.ts
import { certificationStatus, daysBefore } from '../contracts/certification-status.ts'
import type { Envelope } from '../contracts/contract.ts'
import type { MentorReassigned } from '../contracts/mentor.ts'
import {
  correctionFault,
  correctionOf,
  remindersAfter,
  renewalFault,
  type Facts,
  type Policy,
} from './certification-dates.ts'

type Certificate = Pick<CertificationView, 'id' | 'mentorId' | 'coordinatorId' | keyof Facts> & {
  orgId: string
  mentorUserId: string
  /** The organisation's settings, as they were when the certificate was issued. */
  policy: Policy
}

/** `import`: a record of the past, so that having expired is no news. */
export type CertificationInput = Certificate & Envelope & { import: boolean }

export type CertificationContext = Certificate & {
  status: CertificationStatus
  /** It had expired when it was imported and has not been valid since. */
  imported: boolean
  /** Append-only, oldest first. */
  renewals: readonly Renewal[]
  /** Days before expiry of the reminders to come, the next one first. */
  remindersLeft: readonly number[]
  suspendedReason: string | null
  revokedReason: string | null
  /** The mentor's version at the newest reassignment; older ones arrive late and are ignored. */
  mentorVersion: number
}

type CertificationMessage =
  | Exclude<CertificationCommand, { type: 'issue' }>
  | (MentorReassigned & Envelope & Required<Pick<Envelope, 'source'>>)

const certification = setup({
  types: {
    context: {} as CertificationContext,
    input: {} as CertificationInput,
    events: {} as CertificationMessage,
    emitted: {} as CertificationEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'mentor'; id: string; message: StandingChanged }) => {},
    settle: enqueueActions(({ context, event, enqueue }) => {
      const status = certificationStatus(context, context.policy, atOf(event))
      const isNews = status !== context.status
      const isGood = status === 'valid' || status === 'expiring_soon'
      if (isNews && status === 'expiring_soon')
        enqueue.emit({ type: 'certification.expiringSoon', ...factsOf(context) })
      if (isNews && status === 'expired') enqueue.emit({ type: 'certification.expired', ...factsOf(context) })
      enqueue.assign({ status, imported: context.imported && !isGood })
    }),
    remind: enqueueActions(({ context, enqueue }) => {
      const [days = 0, ...remindersLeft] = context.remindersLeft
      enqueue.emit({ type: 'certification.reminderDue', ...factsOf(context), daysBefore: days })
      enqueue.assign({ remindersLeft })
    }),
    renew: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'renew')
      const { issuedAt, expiresAt, notes } = event
      const renewal: Renewal = {
        renewedAt: event.at,
        previousIssuedAt: context.issuedAt,
        previousExpiresAt: context.expiresAt,
        renewedBy: event.by ?? null,
        ...(notes === undefined ? {} : { notes }),
      }
      const renewals = [...context.renewals, renewal]
      const remindersLeft = remindersAfter(event.at, expiresAt, context.policy)
      enqueue.emit({ type: 'certification.renewed', ...factsOf(context), issuedAt, expiresAt, ...renewal })
      // Whatever was announced is over: a period that starts inside the window is announced again.
      enqueue.assign({ status: 'valid', issuedAt, expiresAt, renewals, remindersLeft })
    }),
    correct: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'correct')
      const { mentorId, ...previous } = factsOf(context)
      const { reason, at } = event
      const corrected = correctionOf(context, event)
      enqueue.emit({ type: 'certification.corrected', mentorId, ...corrected, reason, previous })
      enqueue.assign(corrected)
      // The same expiry keeps its ladder, or a reminder that is late would be lost.
      if (corrected.expiresAt !== previous.expiresAt)
        enqueue.assign({ remindersLeft: remindersAfter(at, corrected.expiresAt, context.policy) })
    }),
    suspend: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'suspend')
      enqueue.emit({ type: 'certification.suspended', ...factsOf(context), reason: event.reason })
      enqueue.assign({ status: 'suspended', suspendedReason: event.reason })
    }),
    reinstate: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'reinstate')
      const remindersLeft = remindersAfter(event.at, context.expiresAt, context.policy)
      enqueue.emit({ type: 'certification.reinstated', ...factsOf(context) })
      enqueue.assign({ status: 'valid', suspendedReason: null, remindersLeft })
    }),
    revoke: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'revoke')
      enqueue.emit({ type: 'certification.revoked', ...factsOf(context), reason: event.reason })
      enqueue.assign({ status: 'revoked', suspendedReason: null, revokedReason: event.reason })
    }),
    reassign: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'mentor.reassigned')
      const { coordinatorId, source } = event
      const previous = { previousCoordinatorId: context.coordinatorId }
      if (coordinatorId !== context.coordinatorId)
        enqueue.emit({ type: 'certification.reassigned', ...factsOf(context), ...previous, coordinatorId })
      enqueue.assign({ coordinatorId, mentorVersion: source.version })
    }),
  },
  guards: {
    stands: ({ context }, status: CertificationStatus) => context.status === status,
    reminderIsDue: ({ context: { remindersLeft, expiresAt }, event }) =>
      remindersLeft[0] !== undefined && atOf(event) >= daysBefore(expiresAt, remindersLeft[0]),
  },
  delays: {
    expiringWindow: ({ context: { expiresAt, policy }, event }) =>
      msUntil(daysBefore(expiresAt, policy.expiringWindowDays), event),
    reminder: ({ context: { remindersLeft, expiresAt }, event }) =>
      remindersLeft[0] === undefined ? Infinity : msUntil(daysBefore(expiresAt, remindersLeft[0]), event),
    expiry: ({ context, event }) => msUntil(context.expiresAt, event),
  },
})

type Taken<Type> = { context: CertificationContext; event: Extract<CertificationMessage, { type: Type }> }

const renew = {
  guard: ({ context, event }: Taken<'renew'>) => !renewalFault(context, event),
  target: 'settling',
  actions: 'renew',
} as const
const suspend = { target: 'settling', actions: 'suspend' } as const
const revoke = { target: 'settling', actions: 'revoke' } as const

/**
 * One certificate of one mentor. Whatever may change its standing goes through `settling`: suspension and revocation
 * stand, everything else follows from the dates. The mentor is told each time.
 */
export const certificationMachine = certification.createMachine({
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
    settling: {
      entry: [
        'settle',
        {
          type: 'tell',
          params: ({ context }) => ({ actor: 'mentor', id: context.mentorId, message: standingOf(context) }),
        },
      ],
      always: [
        { guard: { type: 'stands', params: 'valid' }, target: 'valid' },
        { guard: { type: 'stands', params: 'expiring_soon' }, target: 'expiringSoon' },
        { guard: { type: 'stands', params: 'expired' }, target: 'expired' },
        { guard: { type: 'stands', params: 'suspended' }, target: 'suspended' },
        { target: 'revoked' },
      ],
    },
    valid: {
      after: {
        expiringWindow: { target: 'settling' },
        reminder: { guard: 'reminderIsDue', target: 'valid', reenter: true, actions: 'remind' },
        expiry: { target: 'settling' },
      },
      on: { renew, suspend, revoke },
    },
    expiringSoon: {
      after: {
        reminder: { guard: 'reminderIsDue', target: 'expiringSoon', reenter: true, actions: 'remind' },
        expiry: { target: 'settling' },
      },
      on: { renew, suspend, revoke },
    },
    expired: { on: { renew, suspend, revoke } },
    suspended: { on: { reinstate: { target: 'settling', actions: 'reinstate' }, revoke } },
    revoked: {},
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

type Moment = { type: string; at: string } | { type: 'xstate.init'; input: { at: string } }

const atOf = (event: Moment): string => ('input' in event ? event.input.at : event.at)

const msUntil = (instant: string, event: Moment): number => Date.parse(instant) - Date.parse(atOf(event))
