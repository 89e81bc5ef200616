/**
 * What came of it. `unverifiable` is no "no": something that the answer depends on could not be had, or is of a kind that
 * is not known here.
 */
export type Verdict =
  | 'valid'
  | 'invalid'
  | 'revoked'
  | 'suspended'
  | 'expired'
  | 'not_yet_valid'
  | 'not_this_recipient'
  | 'unverifiable'

export type Check = {
  name: 'form' | 'schema' | 'proof' | 'key' | 'claims' | 'dates' | 'status' | 'recipient'
  /** `unknown`: it could not be found out. `noted`: nothing that the verdict depends on. */
  outcome: 'passed' | 'failed' | 'unknown' | 'noted'
  text: string
  /** What a failure makes of the credential, where it is not simply `invalid`. */
  verdict?: Exclude<Verdict, 'valid' | 'unverifiable'>
}

export const passed = (name: Check['name'], text: string): Check => ({ name, outcome: 'passed', text })
export const unknown = (name: Check['name'], text: string): Check => ({ name, outcome: 'unknown', text })
export const noted = (name: Check['name'], text: string): Check => ({ name, outcome: 'noted', text })
export const failed = (name: Check['name'], text: string, verdict?: Check['verdict']): Check => ({
  name,
  outcome: 'failed',
  text,
  ...(verdict ? { verdict } : {}),
})

/** Which failure counts when there are several: what is forged cannot be revoked. */
const WORST_FIRST = [
  'invalid',
  'unverifiable',
  'revoked',
  'suspended',
  'not_yet_valid',
  'expired',
  'not_this_recipient',
] as const

/**
 * What the checks come to. A proof that cannot be checked outweighs what a document says about itself, but a revocation
 * that is known is not made unknown by another status that is not.
 */
export const verdictOf = (checks: readonly Check[]): Verdict => {
  const found = new Set<Verdict>()
  for (const { name, outcome, verdict = 'invalid' } of checks) {
    if (outcome === 'failed') found.add(verdict)
    if (outcome === 'unknown' && name !== 'status') found.add('unverifiable')
  }
  const worst = WORST_FIRST.find((verdict) => found.has(verdict))
  if (worst) return worst
  return checks.some(({ outcome }) => outcome === 'unknown') ? 'unverifiable' : 'valid'
}
