import type { AnyActorDefinition } from '../../actors/actor.ts'
import { badge } from '../../actors/badge.ts'
import { certificate } from '../../actors/certificate.ts'
import {
  createCredentialRows,
  type CredentialRow,
  type CredentialTable,
} from '../../persistence/credential-rows.ts'
import type { Sql } from '../../persistence/sql.ts'
import type { BadgeContext } from '../../machines/badge.ts'
import type { CertificateContext } from '../../machines/certificate-steps.ts'
import type { CredentialFacts, CredentialSource } from './facts.ts'
import { hash } from 'node:crypto'
import { uuidOf } from './holder.ts'

type Kind = CredentialTable & {
  /** Nothing while it is not there for others. */
  factsOf: (row: CredentialRow) => CredentialFacts | undefined
}

/** Every kind of credential; one more is one more entry here. */
const KINDS: readonly Kind[] = [
  {
    definition: certificate,
    holderColumn: 'holder_id',
    numberColumn: 'number',
    marks: { revocation: 'revoked', suspension: 'suspended' },
    factsOf: (row) => certificateFacts(row, row.snapshot.context as CertificateContext),
  },
  {
    definition: badge,
    holderColumn: 'recipient_user_id',
    marks: { revocation: 'revoked' },
    factsOf: (row) => badgeFacts(row, row.snapshot.context as BadgeContext),
  },
]

/** Whether actors of this definition are credentials. */
export const isCredential = (definition: AnyActorDefinition): boolean =>
  KINDS.some((kind) => kind.definition === definition)

/** @returns nothing when none of these definitions is a credential */
export const createCredentialSource = (
  sql: Pick<Sql, 'query'>,
  definitions: readonly AnyActorDefinition[],
): CredentialSource | undefined => {
  const kinds = KINDS.filter(({ definition }) => definitions.includes(definition))
  if (kinds.length === 0) return undefined
  const rows = createCredentialRows(sql, kinds)
  const byActor = new Map(kinds.map((kind) => [kind.definition.contract.actor as string, kind]))
  const factsOf = (row: CredentialRow | undefined) => row && byActor.get(row.actor)?.factsOf(row)
  return {
    byNumber: async (number) => factsOf(await rows.byNumber(number)),
    byId: async (id) => factsOf(await rows.byId(id)),
    marked: rows.marked,
    lastEntry: rows.lastEntry,
    isOne: (actorType) => byActor.has(actorType),
  }
}

const certificateFacts = (row: CredentialRow, context: CertificateContext): CredentialFacts | undefined => {
  const { number, status, since, kind, title, orgId, offeringId, trackId, issuedAt, expiresAt } = context
  // Before it has its number, nobody can rely on it.
  if (number === null) return undefined
  return {
    kind,
    ...common(row),
    orgId,
    holder: { userId: context.holderId, name: context.holderName, isPublic: context.showName },
    shown: true,
    number,
    title,
    ...WORDS[kind](title),
    achievementId: offeringId ?? trackId ?? namedId(`${orgId} ${kind} ${title}`),
    issuedAt,
    firstIssuedAt: context.renewals[0]?.previousIssuedAt ?? issuedAt,
    expiresAt,
    suspendedAt: status === 'suspended' ? since : null,
    revokedAt: status === 'revoked' ? since : null,
    goodSince: since,
  }
}

const WORDS = {
  course_certificate: (title: string) => ({
    description: `The course “${title}” has been completed.`,
    criteria: `Every required module of the course “${title}” was completed.`,
  }),
  track_certificate: (title: string) => ({
    description: `The training track “${title}” has been completed.`,
    criteria: `Every part of the training track “${title}” was completed, as the organisation confirms.`,
  }),
} satisfies Record<CertificateContext['kind'], (title: string) => object>

const badgeFacts = (row: CredentialRow, context: BadgeContext): CredentialFacts => ({
  kind: 'badge',
  ...common(row),
  orgId: context.orgId,
  holder: { userId: context.recipientUserId, name: row.holderName, isPublic: false },
  shown: context.shown,
  number: null,
  title: context.name,
  description: context.description,
  criteria: context.criteria,
  achievementId: context.definitionId,
  issuedAt: context.earnedAt,
  firstIssuedAt: context.earnedAt,
  expiresAt: null,
  suspendedAt: null,
  revokedAt: context.revokedAt,
  goodSince: context.earnedAt,
})

const common = ({ actor, id, version, issuer, statusEntry }: CredentialRow) => {
  return { actor, id, version, issuer, statusEntry }
}

/** The same for the same words. */
const namedId = (name: string) =>
  uuidOf(Buffer.from(hash('sha256', `laurel achievement ${name}`, 'hex'), 'hex'))
