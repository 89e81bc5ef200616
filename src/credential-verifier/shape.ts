import { z } from 'zod'

/** What Open Badges 3.0 asks of a credential, as far as a verdict depends on it; fields beside these are let through. */

const Uri = z.string().min(1)
const OneOrMore = z.union([z.string(), z.array(z.string()).min(1)])
const Moment = z.iso.datetime({ offset: true })

const typed = (name: string) =>
  OneOrMore.refine((types) => types === name || (Array.isArray(types) && types.includes(name)), {
    error: `must name ${name}`,
  })

const Identity = z.object({
  type: typed('IdentityObject'),
  hashed: z.boolean(),
  identityHash: z.string(),
  identityType: z.string(),
  salt: z.string().optional(),
})

const Achievement = z.looseObject({
  id: Uri,
  type: typed('Achievement'),
  name: z.string(),
  description: z.string(),
  criteria: z.looseObject({ id: z.string().optional(), narrative: z.string().optional() }),
})

const subject = {
  id: Uri.optional(),
  type: typed('AchievementSubject'),
  identifier: z.array(Identity).optional(),
}

const isNamed = ({ id, identifier = [] }: { id?: string | undefined; identifier?: unknown[] | undefined }) =>
  id !== undefined || identifier.length > 0

const NAMELESS = { error: 'must have an id or an identifier' }

const Status = z.looseObject({ id: Uri.optional(), type: z.string() })

const common = {
  id: Uri,
  type: OneOrMore.refine(
    (types) =>
      types.includes('VerifiableCredential') &&
      (types.includes('OpenBadgeCredential') || types.includes('AchievementCredential')),
    { error: 'must name VerifiableCredential and OpenBadgeCredential' },
  ),
  name: z.string().optional(),
  issuer: z.union([Uri, z.looseObject({ id: Uri, type: typed('Profile'), name: z.string().optional() })]),
  credentialStatus: z.union([Status, z.array(Status)]).optional(),
}

const contextOf = (first: string) =>
  z
    .array(z.unknown())
    .min(2)
    .refine(([context]) => context === first, { error: `must begin with ${first}` })
    .refine(
      (contexts) => contexts.some((context) => typeof context === 'string' && OPEN_BADGES.test(context)),
      {
        error: 'must name the context of Open Badges 3.0',
      },
    )

/** The published address, and the one of its drafts, which old credentials have. */
const OPEN_BADGES =
  /^https:\/\/(?:purl\.imsglobal\.org\/spec\/ob\/v3p0\/context(?:-3\.\d\.\d)?\.json|imsglobal\.github\.io\/openbadges-specification\/context\.json)$/

const Version2 = z.looseObject({
  '@context': contextOf('https://www.w3.org/ns/credentials/v2'),
  ...common,
  credentialSubject: z.looseObject({ ...subject, achievement: Achievement }).refine(isNamed, NAMELESS),
  validFrom: Moment,
  validUntil: Moment.optional(),
})

/** By the first version of the W3C's data model, with other names for the dates. */
const Version1 = z.looseObject({
  '@context': contextOf('https://www.w3.org/2018/credentials/v1'),
  ...common,
  // Drafts let it be left out, and so does a fixture of the 1EdTech.
  credentialSubject: z
    .looseObject({ ...subject, achievement: Achievement.optional() })
    .refine(isNamed, NAMELESS),
  issuanceDate: Moment,
  expirationDate: Moment.optional(),
})

/** A credential of either version, with what checks need of it. */
export type Credential = {
  id: string
  issuerId: string
  issuerName: string | undefined
  subjectId: string | undefined
  identifiers: readonly z.output<typeof Identity>[]
  title: string | undefined
  validFrom: string
  validUntil: string | undefined
  statuses: readonly Readonly<Record<string, unknown>>[]
  version: 1 | 2
}

export type Shape = { ok: true; credential: Credential } | { ok: false; reasons: string[] }

export const shapeOf = (document: Readonly<Record<string, unknown>>): Shape => {
  const contexts = document['@context']
  const isOld = Array.isArray(contexts) && contexts[0] === 'https://www.w3.org/2018/credentials/v1'
  const parsed = isOld ? Version1.safeParse(document) : Version2.safeParse(document)
  if (!parsed.success)
    return {
      ok: false,
      reasons: parsed.error.issues
        .slice(0, 10)
        .map(({ path, message }) => `${path.join('.') || 'the credential'}: ${message}`),
    }
  const { data } = parsed
  const { issuer, credentialSubject, credentialStatus } = data
  const dates =
    'validFrom' in data
      ? { validFrom: data.validFrom as string, validUntil: data.validUntil as string | undefined }
      : { validFrom: data.issuanceDate, validUntil: data.expirationDate }
  return {
    ok: true,
    credential: {
      id: data.id,
      issuerId: typeof issuer === 'string' ? issuer : issuer.id,
      issuerName: typeof issuer === 'string' ? undefined : issuer.name,
      subjectId: credentialSubject.id,
      identifiers: credentialSubject.identifier ?? [],
      title: credentialSubject.achievement?.name ?? data.name,
      ...dates,
      statuses: credentialStatus === undefined ? [] : [credentialStatus].flat(),
      version: isOld ? 1 : 2,
    },
  }
}
