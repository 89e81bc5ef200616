import type { CredentialFacts, CredentialSource } from './facts.ts'
import type { HolderIds } from './holder.ts'
import type { CredentialKeys, PublishedJwk } from './keys.ts'
import {
  issuerProfile,
  openBadge,
  statusListCredential,
  wholeSecond,
  type CredentialAddresses,
  type CredentialProfile,
  type OpenBadge,
} from './open-badge.ts'
import {
  encodeList,
  LIST_ENTRIES,
  LIST_TTL_MS,
  type StatusPlaces,
  type StatusPurpose,
} from './status-list.ts'
import { signCredential } from './vc-jwt.ts'

export type Issued = { credential: OpenBadge; jws: string }

/** Makes what others verify: credentials, lists of their statuses, and the documents that both refer to. */
export type Issuing = {
  /** `email` makes it something that its holder can show to be theirs. */
  credential: (facts: CredentialFacts, wish?: Wish) => Promise<Issued>
  /** A list as it stands in the database now; nothing when no credential is on it yet. */
  statusList: (about: ListName) => Promise<string | undefined>
  issuer: (orgId: string) => Promise<ReturnType<typeof issuerProfile> | undefined>
  key: (kid: string) => Promise<PublishedJwk | undefined>
  jwks: () => Promise<{ keys: PublishedJwk[] }>
}

export type Wish = { email?: string | undefined; profile?: CredentialProfile | undefined }

export type ListName = { orgId: string; purpose: StatusPurpose; list: number }

type Dependencies = {
  source: CredentialSource
  keys: CredentialKeys
  /** What is derived from the secret of this installation. */
  derived: () => Promise<{ places: StatusPlaces; holders: HolderIds }>
  addresses: CredentialAddresses
  organisationName: (orgId: string) => Promise<string | undefined>
  now: () => number
}

/** Lists say the same, letter for letter, within so long, unless a bit changes. Milliseconds. */
const LIST_PERIOD_MS = 60 * 60_000

export const createIssuing = (deps: Dependencies): Issuing => {
  const { source, keys, derived, addresses, organisationName, now } = deps
  const signer = async () => {
    const { kid, privateKey } = await keys.current()
    return { kid: addresses.key(kid), privateKey }
  }
  return {
    credential: async (facts, { email, profile } = {}) => {
      const { userId } = facts.holder
      const { places, holders } = await derived()
      const credential = openBadge({
        facts,
        subject: holders.subject(userId),
        identity: email === undefined ? undefined : holders.emailIdentity(userId, email),
        place: places.of(facts.statusEntry),
        addresses,
        ...(profile ? { profile } : {}),
      })
      return { credential, jws: await signCredential(credential, await signer()) }
    },
    statusList: async ({ orgId, purpose, list }) => {
      const from = list * LIST_ENTRIES
      const issuer = await organisationName(orgId)
      if (issuer === undefined || from > (await source.lastEntry())) return undefined
      const marked = await source.marked({ orgId, purpose, from, to: from + LIST_ENTRIES })
      const { places } = await derived()
      const begun = Math.floor(now() / LIST_PERIOD_MS) * LIST_PERIOD_MS
      const credential = statusListCredential({
        purpose,
        list,
        encodedList: encodeList(marked.map((entry) => places.of(entry).index)),
        ttlMs: LIST_TTL_MS,
        validFrom: wholeSecond(new Date(begun).toISOString()),
        // Whoever is served an old list on purpose sees that it is old.
        validUntil: wholeSecond(new Date(begun + 2 * LIST_PERIOD_MS).toISOString()),
        issuer: { orgId, issuer },
        addresses,
      })
      return signCredential(credential, await signer())
    },
    issuer: async (orgId) => {
      const issuer = await organisationName(orgId)
      return issuer === undefined ? undefined : issuerProfile({ orgId, issuer }, addresses)
    },
    key: async (kid) => {
      const key = await keys.find(kid)
      return key && { ...key, kid: addresses.key(kid) }
    },
    jwks: () => keys.jwks(addresses.key),
  }
}
