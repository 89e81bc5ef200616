import {
  certificate,
  noteRefund,
  open,
  reinstate,
  remind,
  renew,
  revoke,
  setShowName,
  settle,
  suspend,
  suspendForRefund,
  takeNumber,
} from './certificate-steps.ts'
import { validityStates } from './validity.ts'

const { settling, valid, expiringSoon, expired, suspended, revoked } = validityStates

/** Whoever asks for it once more finds this one. */
const found = { issue: {} } as const
const wishes = { setShowName: { actions: setShowName } } as const
const refundable = {
  'enrollment.refunded': { target: 'settling', actions: suspendForRefund },
} as const

/**
 * What somebody has completed, certified. It is valid as a certification is, once it has its number; until then it is
 * nothing that anybody could see or rely on.
 */
export const certificateMachine = certificate
  .extend({ actions: { settle, remind, renew, suspend, reinstate, revoke } })
  .createMachine({
    id: 'certificate@1',
    context: ({ input: { at: _at, by: _by, ...input } }) => ({
      ...input,
      status: 'numbering',
      standing: 'numbering',
      since: input.issuedAt,
      number: null,
      renewals: [],
      remindersLeft: [],
      suspendedReason: null,
      revokedReason: null,
    }),
    entry: open,
    initial: 'numbering',
    states: {
      numbering: {
        on: {
          'series.numbered': { target: 'settling', actions: takeNumber },
          'enrollment.refunded': { actions: noteRefund },
          ...found,
        },
      },
      settling: { ...settling, entry: 'settle' },
      valid: { ...valid, on: { ...valid.on, ...refundable, ...wishes, ...found } },
      expiringSoon: { ...expiringSoon, on: { ...expiringSoon.on, ...refundable, ...wishes, ...found } },
      expired: { ...expired, on: { ...expired.on, ...refundable, ...wishes, ...found } },
      suspended: { ...suspended, on: { ...suspended.on, ...refundable, ...wishes, ...found } },
      revoked: { ...revoked, on: wishes },
    },
  })
