import { bitOf, decodeList, LIST_ENTRIES } from '../credentials/status-list.ts'
import type { FetchDocument } from './guarded-fetch.ts'
import { openToken } from './proof.ts'
import { objectOf } from './read.ts'
import { failed, noted, passed, unknown, verdictOf, type Check } from './report.ts'

type Status = Readonly<Record<string, unknown>>

export type StatusContext = {
  fetchDocument: FetchDocument
  at: number
  credentialId: string
  issuerId: string
}

/** Asks the issuer whether a credential still stands. */
export const checkStatus = (status: Status, context: StatusContext): Promise<Check> => {
  switch (status['type']) {
    case 'BitstringStatusListEntry':
    case 'StatusList2021Entry':
      return checkBit(status, context)
    case '1EdTechRevocationList':
      return checkRevocationList(status, context)
    default:
      return Promise.resolve(
        unknown('status', `a status of this kind is not known here: ${String(status['type'])}`),
      )
  }
}

const VERDICTS = { revocation: 'revoked', suspension: 'suspended' } as const

const checkBit = async (status: Status, context: StatusContext): Promise<Check> => {
  const { statusPurpose, statusListIndex, statusListCredential } = status
  const index = Number(statusListIndex)
  if (typeof statusListCredential !== 'string' || !Number.isSafeInteger(index) || index < 0)
    return failed('status', 'the status entry names no list, or no place in it')
  if (statusPurpose !== 'revocation' && statusPurpose !== 'suspension')
    return noted('status', `a status for another purpose was left alone: ${String(statusPurpose)}`)
  const read = await readList(statusListCredential, statusPurpose, context)
  if ('check' in read) return read.check
  try {
    const bits = decodeList(read.encodedList)
    if (bits.length * 8 < LIST_ENTRIES)
      return failed('status', 'the status list is shorter than the least length')
    const verdict = VERDICTS[statusPurpose]
    return bitOf(bits, index)
      ? failed('status', `the issuer has ${verdict} it`, verdict)
      : passed('status', `the issuer has not ${verdict} it`)
  } catch (error) {
    return failed('status', `the status list cannot be read: ${(error as Error).message}`)
  }
}

type ReadList = { encodedList: string } | { check: Check }

/** The list is a credential itself; one that anybody could have written says nothing. */
const readList = async (address: string, purpose: string, context: StatusContext): Promise<ReadList> => {
  const { fetchDocument, issuerId } = context
  const fetched = await fetchDocument(address)
  if (!fetched.ok) return { check: unknown('status', `the status list cannot be had: ${fetched.reason}`) }
  const text = fetched.body.toString('utf8').trim()
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text))
    return {
      check: unknown('status', 'the status list is not signed as a token; other proofs are not known here'),
    }
  const { checks, claims } = await openToken(text, fetchDocument, issuerOfList)
  const verdict = verdictOf(checks)
  const [worst] = checks.filter(({ outcome }) => outcome !== 'passed')
  if (!claims || verdict !== 'valid' || checks.length === 0)
    return {
      check: { ...(worst ?? unknown('status', '')), name: 'status', text: `the status list: ${worst?.text}` },
    }
  const list = (claims['vc'] ?? claims) as Status
  // Whose key it was, and nothing that stands deeper in it.
  const listIssuerId = issuerOfList(claims)
  return faultOfList(list, { ...context, address, purpose, issuerId, listIssuerId }) ?? subjectOf(list)
}

const issuerOfList = (claims: Status): string | undefined => {
  const { issuer } = (claims['vc'] ?? claims) as { issuer?: unknown }
  const id = typeof issuer === 'object' && issuer !== null ? (issuer as { id?: unknown }).id : issuer
  const named = id ?? claims['iss']
  return typeof named === 'string' ? named : undefined
}

const faultOfList = (
  list: Status,
  {
    at,
    address,
    purpose,
    issuerId,
    listIssuerId,
  }: StatusContext & { address: string; purpose: string; listIssuerId: string | undefined },
): { check: Check } | undefined => {
  const fault = (text: string) => ({ check: failed('status', text) })
  const types: unknown[] = [list['type']].flat()
  if (!types.includes('BitstringStatusListCredential') && !types.includes('StatusList2021Credential'))
    return fault('what stands at the address of the status list is something else')
  if (list['id'] !== undefined && list['id'] !== address) return fault('the status list is another one')
  // Whoever may put a list there must be the one whom the credential trusts.
  if (listIssuerId !== issuerId) return fault('the status list is by another issuer')
  const purposes: unknown[] = [(list['credentialSubject'] as Status | undefined)?.['statusPurpose']].flat()
  if (!purposes.includes(purpose)) return fault('the status list is for another purpose')
  const until = list['validUntil']
  if (typeof until === 'string' && Date.parse(until) <= at)
    return { check: unknown('status', 'the status list is out of date') }
  return undefined
}

const subjectOf = (list: Status): ReadList => {
  const { encodedList } = (list['credentialSubject'] ?? {}) as { encodedList?: unknown }
  return typeof encodedList === 'string'
    ? { encodedList }
    : { check: failed('status', 'the status list has no list') }
}

/** The 1EdTech's own: a plain list of ids. It is not signed; the issuer's place is all that speaks for it. */
const checkRevocationList = async (
  { id }: Status,
  { fetchDocument, credentialId, issuerId }: StatusContext,
): Promise<Check> => {
  if (typeof id !== 'string') return failed('status', 'the revocation list has no address')
  const fetched = await fetchDocument(id)
  if (!fetched.ok) return unknown('status', `the revocation list cannot be had: ${fetched.reason}`)
  const list = objectOf(fetched.body.toString('utf8'))
  const revoked: unknown = list?.['revokedCredential']
  if (!list || (revoked !== undefined && !Array.isArray(revoked)))
    return failed('status', 'what stands at the address of the revocation list is something else')
  if (list['issuer'] !== undefined && issuerOfList(list) !== issuerId)
    return failed('status', 'the revocation list is by another issuer')
  const entries = (revoked ?? []) as readonly (string | { id?: unknown; revoked?: unknown })[]
  const isRevoked = entries.some((entry) =>
    typeof entry === 'string' ? entry === credentialId : entry.id === credentialId && entry.revoked !== false,
  )
  return isRevoked
    ? failed('status', 'the issuer has revoked it', 'revoked')
    : passed('status', 'the issuer has not revoked it')
}
