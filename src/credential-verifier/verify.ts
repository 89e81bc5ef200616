import { identityHash } from '../credentials/holder.ts'
import type { FetchDocument } from './guarded-fetch.ts'
import { openToken } from './proof.ts'
import { findCredential, objectOf } from './read.ts'
import { failed, noted, passed, unknown, verdictOf, type Check, type Verdict } from './report.ts'
import { shapeOf, type Credential } from './shape.ts'
import { checkStatus } from './status.ts'

export type Report = {
  verdict: Verdict
  /** What was looked at, in order. */
  checks: Check[]
  /** What it says, should that be readable; whether that is true, only the verdict tells. */
  credential:
    | Pick<Credential, 'id' | 'issuerId' | 'issuerName' | 'title' | 'validFrom' | 'validUntil'>
    | undefined
}

export type VerifyOptions = {
  fetchDocument: FetchDocument
  /** Milliseconds. */
  now: () => number
  /** Whose it is said to be; without it nobody is compared. */
  email?: string | undefined
}

type Json = Readonly<Record<string, unknown>>

/** Verifies an Open Badges 3.0 credential of anybody: a token, JSON, or a picture with either. Asks its issuer. */
export const verifyCredential = async (bytes: Buffer, options: VerifyOptions): Promise<Report> => {
  const found = findCredential(bytes)
  if (!found.ok) return { verdict: 'invalid', checks: [failed('form', found.reason)], credential: undefined }
  const form = passed('form', `a credential as ${'jws' in found ? 'a token' : 'JSON'}, in ${found.in}`)
  if ('credential' in found)
    return ofDocument(found.credential, [form, embeddedProof(found.credential)], options)

  const opened = await openToken(found.jws, options.fetchDocument, (claims) => issuerIdOf(documentOf(claims)))
  if (!opened.claims) return reportOf([form, ...opened.checks], undefined)
  const document = documentOf(opened.claims)
  return ofDocument(document, [form, ...opened.checks, ...checkClaims(opened.claims, document)], options)
}

const ofDocument = async (
  document: Json,
  before: readonly Check[],
  options: VerifyOptions,
): Promise<Report> => {
  const { fetchDocument, now, email } = options
  const shape = shapeOf(document)
  if (!shape.ok)
    return reportOf([...before, ...shape.reasons.map((reason) => failed('schema', reason))], undefined)
  const { credential } = shape
  const checks = [
    ...before,
    passed('schema', `an Open Badge by version ${credential.version} of the data model`),
    checkDates(credential, now()),
  ]
  // Whoever has forged it may choose whom we ask.
  const isForged = checks.some(({ name, outcome }) => outcome === 'failed' && name !== 'dates')
  if (!isForged) {
    const context = { fetchDocument, at: now(), credentialId: credential.id, issuerId: credential.issuerId }
    if (credential.statuses.length === 0)
      checks.push(noted('status', 'it cannot be revoked: it names no status'))
    for (const status of credential.statuses.slice(0, MOST_STATUSES))
      checks.push(await checkStatus(status, context))
    if (credential.statuses.length > MOST_STATUSES)
      checks.push(unknown('status', `it has more than ${MOST_STATUSES} statuses`))
  }
  if (email !== undefined) checks.push(checkRecipient(credential, email))
  return reportOf(checks, credential)
}

/** Each is asked of a place that the credential names. */
const MOST_STATUSES = 4

const reportOf = (checks: Check[], credential: Credential | undefined): Report => ({
  verdict: verdictOf(checks),
  checks,
  credential: credential && {
    id: credential.id,
    issuerId: credential.issuerId,
    issuerName: credential.issuerName,
    title: credential.title,
    validFrom: credential.validFrom,
    validUntil: credential.validUntil,
  },
})

/** Today's form has the credential's fields beside the claims; the older one has them in `vc`, and may leave some to the claims. */
const documentOf = (claims: Json): Json => {
  const { vc } = claims
  if (typeof vc !== 'object' || vc === null || Array.isArray(vc)) return claims
  const inner = vc as Json
  const subject = inner['credentialSubject'] as Json | undefined
  return {
    ...(claims['jti'] === undefined ? {} : { id: claims['jti'] }),
    ...(claims['iss'] === undefined ? {} : { issuer: claims['iss'] }),
    ...inner,
    ...(subject && typeof subject === 'object' && claims['sub'] !== undefined
      ? { credentialSubject: { id: claims['sub'], ...subject } }
      : {}),
  }
}

const issuerIdOf = ({ issuer }: Json): string | undefined => {
  const id = typeof issuer === 'object' && issuer !== null ? (issuer as Json)['id'] : issuer
  return typeof id === 'string' ? id : undefined
}

/**
 * What the token claims and what the credential says must be the same. A claim that is left out, as the 1EdTech's own examples
 * do, takes nothing away: the credential's fields are signed, too.
 */
const checkClaims = (claims: Json, document: Json): Check[] => {
  const subject = (document['credentialSubject'] as Json | undefined)?.['id']
  const said: readonly (readonly [string, unknown])[] = [
    ['iss', issuerIdOf(document)],
    ['jti', document['id']],
    ['sub', subject],
    ['nbf', secondsOf(document['validFrom'] ?? document['issuanceDate'])],
    ['exp', secondsOf(document['validUntil'] ?? document['expirationDate'])],
  ]
  const wrong = said.filter(([claim, value]) => claims[claim] !== undefined && claims[claim] !== value)
  if (wrong.length > 0)
    return [
      failed('claims', `the credential says something else than ${wrong.map(([claim]) => claim).join(', ')}`),
    ]
  const missing = said.filter(([claim, value]) => claims[claim] === undefined && value !== undefined)
  return missing.length > 0
    ? [
        noted(
          'claims',
          `the standard asks for ${missing.map(([claim]) => claim).join(', ')}, which are not there`,
        ),
      ]
    : [passed('claims', 'the token and the credential say the same')]
}

const secondsOf = (instant: unknown) =>
  typeof instant === 'string' ? Math.floor(Date.parse(instant) / 1000) : undefined

/** A Data Integrity proof needs RDF canonicalisation, which is not here; nothing is taken for signed because of that. */
const embeddedProof = (document: Json): Check => {
  const proofs: unknown[] = [document['proof'] ?? []].flat()
  if (proofs.length === 0) return failed('proof', 'it is not signed')
  const kinds = proofs.map((proof) => {
    const { cryptosuite, type } = (objectLike(proof) ?? {}) as { cryptosuite?: unknown; type?: unknown }
    return String(cryptosuite ?? type)
  })
  return unknown('proof', `a proof of this kind is not known here: ${kinds.join(', ').slice(0, 100)}`)
}

const objectLike = (value: unknown) => objectOf(JSON.stringify(value))

const checkDates = ({ validFrom, validUntil }: Credential, at: number): Check => {
  if (Date.parse(validFrom) > at) return failed('dates', `it begins at ${validFrom}`, 'not_yet_valid')
  if (validUntil !== undefined && Date.parse(validUntil) <= at)
    return failed('dates', `it ended at ${validUntil}`, 'expired')
  return passed(
    'dates',
    validUntil === undefined ? `since ${validFrom}` : `from ${validFrom} to ${validUntil}`,
  )
}

const checkRecipient = ({ identifiers }: Credential, email: string): Check => {
  const addresses = identifiers.filter(({ identityType }) => identityType === 'emailAddress')
  if (addresses.length === 0) return unknown('recipient', 'it names no address to compare with')
  const spellings = [email, email.toLowerCase()]
  const isTheirs = addresses.some(({ hashed, identityHash: hash, salt = '' }) =>
    spellings.some((spelling) => hash === (hashed ? identityHash(spelling, salt) : spelling)),
  )
  return isTheirs
    ? passed('recipient', 'it is of the owner of this address')
    : failed('recipient', 'it is of the owner of another address', 'not_this_recipient')
}
