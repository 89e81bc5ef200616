import type { CredentialFacts } from './facts.ts'
import type { EmailIdentity } from './holder.ts'
import type { StatusPlace, StatusPurpose } from './status-list.ts'

/** Where what a credential refers to stands; they are part of it for ever. */
export type CredentialAddresses = {
  /** `<public URL>` without a slash. */
  key: (kid: string) => string
  issuer: (orgId: string) => string
  /** An organisation's own list, so that credential and list have one issuer. */
  statusList: (orgId: string, purpose: StatusPurpose, list: number) => string
}

/** Below the address under which others reach this server. */
export const createAddresses = (publicUrl: () => string): CredentialAddresses => ({
  key: (kid) => `${publicUrl()}/credentials/keys/${kid}`,
  issuer: (orgId) => `${publicUrl()}/credentials/issuers/${orgId}`,
  statusList: (orgId, purpose, list) => `${publicUrl()}/credentials/status/${orgId}/${purpose}/${list}`,
})

/**
 * `ob3`: what the official schema allows, which is one status, the revocation.
 * `vc2`: the same with both statuses, for those who read the W3C's data model only.
 */
export type CredentialProfile = 'ob3' | 'vc2'

type Described = {
  facts: CredentialFacts
  subject: string
  identity?: EmailIdentity | undefined
  place: StatusPlace
  addresses: CredentialAddresses
  profile?: CredentialProfile
}

/** The claims of one credential, which `signCredential` turns into a VC-JWT. */
export type OpenBadge = ReturnType<typeof openBadge>

const ACHIEVEMENT_TYPES = {
  badge: 'Badge',
  course_certificate: 'CertificateOfCompletion',
  track_certificate: 'Certificate',
} as const satisfies Record<CredentialFacts['kind'], string>

/** A badge or a certificate as Open Badges 3.0 has it. The same facts make the same text. */
export const openBadge = ({ facts, subject, identity, place, addresses, profile = 'ob3' }: Described) => ({
  '@context': [
    'https://www.w3.org/ns/credentials/v2',
    'https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json',
  ],
  id: `urn:uuid:${facts.id}`,
  type: ['VerifiableCredential', 'OpenBadgeCredential'],
  name: facts.title,
  issuer: issuerProfile(facts, addresses),
  validFrom: wholeSecond(facts.firstIssuedAt),
  ...(facts.expiresAt === null ? {} : { validUntil: wholeSecond(facts.expiresAt) }),
  credentialSubject: {
    id: subject,
    type: ['AchievementSubject'],
    ...(identity ? { identifier: [identity] } : {}),
    ...(facts.number === null ? {} : { licenseNumber: facts.number }),
    achievement: {
      id: `urn:uuid:${facts.achievementId}`,
      type: ['Achievement'],
      achievementType: ACHIEVEMENT_TYPES[facts.kind],
      name: facts.title,
      description: facts.description,
      criteria: { narrative: facts.criteria },
    },
  },
  credentialStatus:
    profile === 'vc2'
      ? [statusOf(facts, 'revocation', place, addresses), statusOf(facts, 'suspension', place, addresses)]
      : statusOf(facts, 'revocation', place, addresses),
  credentialSchema: [{ id: OFFICIAL_SCHEMA, type: '1EdTechJsonSchemaValidator2019' }],
})

const OFFICIAL_SCHEMA =
  'https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json'

/** The organisation as `issuer`, and as what stands at its address. */
export const issuerProfile = (
  { orgId, issuer }: Pick<CredentialFacts, 'orgId' | 'issuer'>,
  addresses: Pick<CredentialAddresses, 'issuer'>,
) => ({ id: addresses.issuer(orgId), type: ['Profile'], name: issuer })

const statusOf = (
  { orgId }: CredentialFacts,
  purpose: StatusPurpose,
  { list, index }: StatusPlace,
  addresses: CredentialAddresses,
) => {
  const address = addresses.statusList(orgId, purpose, list)
  return {
    id: `${address}#${index}`,
    type: 'BitstringStatusListEntry',
    statusPurpose: purpose,
    statusListIndex: String(index),
    statusListCredential: address,
  }
}

/** Claims of a JWT have whole seconds, and both have to say the same. */
export const wholeSecond = (instant: string): string => `${instant.slice(0, 19)}Z`

type ListDescribed = {
  issuer: Pick<CredentialFacts, 'orgId' | 'issuer'>
  purpose: StatusPurpose
  list: number
  encodedList: string
  ttlMs: number
  validFrom: string
  validUntil: string
  addresses: Pick<CredentialAddresses, 'statusList' | 'issuer'>
}

/** A list of statuses as the W3C's Bitstring Status List v1.0 has it. */
export const statusListCredential = (described: ListDescribed) => {
  const { purpose, list, encodedList, ttlMs, validFrom, validUntil, issuer, addresses } = described
  const address = addresses.statusList(issuer.orgId, purpose, list)
  return {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    id: address,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer: issuerProfile(issuer, addresses),
    validFrom,
    validUntil,
    credentialSubject: {
      id: `${address}#list`,
      type: 'BitstringStatusList',
      statusPurpose: purpose,
      encodedList,
      ttl: ttlMs,
    },
  }
}
