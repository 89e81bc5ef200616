import type { CertificationStatus } from '../contracts/certification.ts'
// oxlint-disable-next-line no-restricted-imports -- as in certification-dates.ts
import { certificationStatus, daysBefore } from '../contracts/certification-status.ts'
import type { Renewal } from '../contracts/renewal.ts'
import { remindersAfter, renewalFault, type Policy } from './certification-dates.ts'

/**
 * Whether something is valid, in which certifications and certificates do not differ: what its dates say, and what people
 * decide. A machine spreads `validityStates` into its own, names the guards and delays in its setup, and has actions of the names
 * that stand here; they say what is told, in the machine's own words.
 */
export type Validity = {
  status: string
  issuedAt: string
  /** Null when it does not expire. */
  expiresAt: string | null
  /** The organisation's settings, as they were when it was issued. */
  policy: Policy
  /** Append-only, oldest first. */
  renewals: readonly Renewal[]
  /** Days before expiry of the reminders to come, the next one first. */
  remindersLeft: readonly number[]
}

type Moment = { type: string; at: string } | { type: 'xstate.init'; input: { at: string } }
type Due = { context: Validity; event: Moment }
type Wish = { issuedAt: string; expiresAt: string; notes?: string | undefined; at: string }

export const atOf = (event: Moment): string => ('input' in event ? event.input.at : event.at)

const msUntil = (instant: string, event: Moment): number => Date.parse(instant) - Date.parse(atOf(event))

export const validityGuards = {
  stands: ({ context }: { context: Pick<Validity, 'status'> }, status: CertificationStatus) =>
    context.status === status,
  reminderIsDue: ({ context: { remindersLeft, expiresAt }, event }: Due) =>
    expiresAt !== null &&
    remindersLeft[0] !== undefined &&
    atOf(event) >= daysBefore(expiresAt, remindersLeft[0]),
}

export const validityDelays = {
  expiringWindow: ({ context: { expiresAt, policy }, event }: Due) =>
    expiresAt === null ? Infinity : msUntil(daysBefore(expiresAt, policy.expiringWindowDays), event),
  reminder: ({ context: { remindersLeft, expiresAt }, event }: Due) =>
    expiresAt === null || remindersLeft[0] === undefined
      ? Infinity
      : msUntil(daysBefore(expiresAt, remindersLeft[0]), event),
  expiry: ({ context: { expiresAt }, event }: Due) =>
    expiresAt === null ? Infinity : msUntil(expiresAt, event),
}

const renew = {
  guard: ({ context, event }: { context: Validity; event: Wish }) => !renewalFault(context, event),
  target: 'settling',
  actions: 'renew',
} as const
const suspend = { target: 'settling', actions: 'suspend' } as const
const revoke = { target: 'settling', actions: 'revoke' } as const

/**
 * Whatever may change where it stands goes through `settling`, which the machine gives its entry: suspension and revocation
 * stand, everything else follows from the dates.
 */
export const validityStates = {
  settling: {
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
} as const

/** Where it stands at an instant, and what of that the clock alone has brought about. */
export const settledAt = (validity: Validity, at: string) => {
  const status = certificationStatus(validity, validity.policy, at)
  const isNews = status !== validity.status
  return { status, news: isNews && (status === 'expiring_soon' || status === 'expired') ? status : null }
}

export const renewedBy = (
  { issuedAt: previousIssuedAt, renewals, policy }: Validity,
  previousExpiresAt: string,
  { issuedAt, expiresAt, notes, at, by = null }: Wish & { by?: string | null | undefined },
) => {
  const renewal: Renewal = {
    renewedAt: at,
    previousIssuedAt,
    previousExpiresAt,
    renewedBy: by,
    ...(notes === undefined ? {} : { notes }),
  }
  const remindersLeft = remindersAfter(at, expiresAt, policy)
  // Whatever was announced is over: a period that starts inside the window is announced again.
  const changes = { status: 'valid', issuedAt, expiresAt, remindersLeft } as const
  return { renewal, changes: { ...changes, renewals: [...renewals, renewal] } }
}

/** The next reminder, and those that are left after it. */
export const reminded = ({ remindersLeft: [daysBeforeExpiry = 0, ...remindersLeft] }: Validity) => ({
  daysBefore: daysBeforeExpiry,
  remindersLeft,
})

export const suspendedFor = (suspendedReason: string) => ({ status: 'suspended', suspendedReason }) as const

export const reinstatedAt = ({ expiresAt, policy }: Validity, at: string) =>
  ({ status: 'valid', suspendedReason: null, remindersLeft: remindersAfter(at, expiresAt, policy) }) as const

export const revokedFor = (revokedReason: string) =>
  ({ status: 'revoked', suspendedReason: null, revokedReason }) as const
