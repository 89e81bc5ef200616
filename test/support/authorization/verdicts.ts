/**
 * What somebody is to a mentor, to the mentor's certifications and payments, and to what the mentor's coordinator has
 * started.
 */
export type Relation = 'admin' | 'csm' | 'inCharge' | 'self' | 'nobody' | 'stranger' | 'strangeAdmin'
export type Verdict = 'ok' | 'forbidden' | 'not_found'
export type Verdicts = Record<Relation, Verdict>

const UNKNOWN = { nobody: 'not_found', stranger: 'not_found', strangeAdmin: 'not_found' } as const
export const WHO_MAY_SEE: Verdicts = { admin: 'ok', csm: 'ok', inCharge: 'ok', self: 'ok', ...UNKNOWN }
export const IN_CHARGE: Verdicts = { ...WHO_MAY_SEE, csm: 'forbidden', self: 'forbidden' }
export const ADMIN: Verdicts = { ...IN_CHARGE, inCharge: 'forbidden' }
export const IN_CHARGE_OR_SELF: Verdicts = { ...IN_CHARGE, self: 'ok' }
export const OPERATORS_AND_OWNER: Verdicts = { ...WHO_MAY_SEE, self: 'not_found' }
export const OPERATORS: Verdicts = { ...OPERATORS_AND_OWNER, inCharge: 'not_found' }
export const ADMIN_OF_OPERATORS: Verdicts = { ...OPERATORS, csm: 'forbidden' }
export const OPERATORS_AND_SELF: Verdicts = { ...OPERATORS, self: 'ok' }
export const ADMIN_AND_SELF: Verdicts = { ...OPERATORS_AND_SELF, csm: 'forbidden' }
export const SELF: Verdicts = { ...OPERATORS_AND_SELF, admin: 'forbidden', csm: 'forbidden' }
/** For whom it concerns alone, among all who may see it. */
export const SELF_OF_ALL: Verdicts = { ...ADMIN, admin: 'forbidden', self: 'ok' }
/** Administrators decide for others; whom it concerns is told no. */
export const ADMIN_NOT_SELF: Verdicts = { ...ADMIN_AND_SELF, self: 'forbidden' }
export const EVERYBODY: Verdicts = { ...WHO_MAY_SEE, nobody: 'ok', stranger: 'ok', strangeAdmin: 'ok' }
export const NOT_THERE: Verdicts = {
  admin: 'not_found',
  csm: 'not_found',
  inCharge: 'not_found',
  self: 'not_found',
  ...UNKNOWN,
}
/** Nobody else's business, whoever runs the organisation. */
export const ONLY_SELF: Verdicts = { ...NOT_THERE, self: 'ok' }
/** Of the organisation. */
export const INSIDERS: Verdicts = { ...EVERYBODY, stranger: 'not_found', strangeAdmin: 'not_found' }
/** What addresses nobody who is there already: only administrators get as far as the ids. */
export const ANY_ADMIN: Verdicts = { ...ADMIN, self: 'forbidden', nobody: 'forbidden', stranger: 'forbidden' }
