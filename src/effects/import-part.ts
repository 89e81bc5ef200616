import type { Lookup, Principal } from '../../actors/actor.ts'
import { certification } from '../../actors/certification.ts'
import { inScope } from '../../actors/engine/turn.ts'
import { mentor } from '../../actors/mentor.ts'
import type { Counts, RefusedRow } from '../../contracts/import.ts'
import type { Refused, Reply } from '../../contracts/protocol.ts'
import type { FileRow, ImportStore, KnownCertificate } from '../../persistence/imports.ts'
import { derivedId } from '../../actors/derived-id.ts'
import type { Dispatcher } from '../gateway/dispatcher.ts'
import { readRow, type ImportColumn, type ReadRow } from './import-row.ts'

export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

export type PartDependencies = {
  store: ImportStore
  lookup: Lookup
  /** A dispatcher that asks this lookup: rows go the way that commands of clients go. */
  dispatcherOf: (lookup: Lookup) => Dispatcher
  /** Bounds how many rows are under way. */
  inTurn: InTurn
}

type Part = { importId: string; principal: Principal; part: readonly FileRow[] }

/**
 * Issues what the rows of one part say, as the principal.
 * @returns what became of them, when all of that is stored; the same part again gives the same answer
 * @throws when nothing can be said about some of them now, `Interrupted` when this node stops
 */
export const importPart = async (
  deps: PartDependencies,
  { importId, principal, part }: Part,
): Promise<Counts> => {
  const read = part.map(readRow)
  const refusals = read.flatMap((one) => ('refused' in one ? [one.refused] : []))
  const mentorsOf = await findMentors(deps.store, principal, read)
  const orders: Order[] = []
  for (const one of read) {
    if (!('row' in one)) continue
    const [mentorId, ...others] = mentorsOf(one.row)
    if (mentorId && others.length === 0) orders.push(orderOf(importId, principal.orgId, mentorId, one.row))
    else refusals.push({ line: one.row.line, column: 'mentor', ...(mentorId ? AMBIGUOUS : UNKNOWN) })
  }

  const fateOf = await findRecorded(deps.store, orders)
  const fresh = orders.filter((order) => fateOf(order) === undefined)
  let issued = orders.filter((order) => fateOf(order) === 'issued').length
  for (const { line, reply } of await issueAll(deps, principal, fresh)) {
    if (reply.ok) issued++
    else if (isPassing(reply)) throw failureOf(reply)
    else if (reply.error.code !== 'already_exists') refusals.push(refusalOf(line, reply.error))
  }
  await deps.store.refuse(importId, refusals)
  return { issued, refused: refusals.length, unchanged: part.length - issued - refusals.length }
}

/** The command that a row stands for. */
type Order = {
  line: number
  importId: string
  payload: Pick<KnownCertificate, 'id' | 'mentorId' | 'certType' | 'issuedAt' | 'expiresAt'> & {
    commandId: string
    import: true
  }
}

/** The same facts are the same certification, in whatever file and however often they come. */
const orderOf = (
  importId: string,
  orgId: string,
  mentorId: string,
  { line, certType, issuedAt, expiresAt }: ReadRow,
): Order => {
  const id = derivedId('imported certification', orgId, mentorId, certType, issuedAt, expiresAt)
  const commandId = derivedId('import row', importId, String(line))
  return { line, importId, payload: { id, commandId, mentorId, certType, issuedAt, expiresAt, import: true } }
}

const issueAll = (deps: PartDependencies, principal: Principal, orders: readonly Order[]) => {
  const dispatcher = deps.dispatcherOf(remembering(deps.lookup))
  return Promise.all(
    orders.map(async ({ line, importId: correlationId, payload }) => {
      const called = { definition: certification, name: 'issue', payload, principal, correlationId }
      const call = { ...called, trusted: true as const }
      return { line, reply: await patiently(() => deps.inTurn(() => dispatcher.call(call))) }
    }),
  )
}

const UNKNOWN = { code: 'not_found', message: 'no such mentor' }
const AMBIGUOUS = {
  code: 'invalid_input',
  message: 'several mentors have this e-mail address: give the id of one',
}

/** Ids of the mentors that a row may mean: those that the principal may know of. */
const findMentors = async (
  store: ImportStore,
  principal: Principal,
  read: readonly ReturnType<typeof readRow>[],
): Promise<(row: ReadRow) => string[]> => {
  const names = read.flatMap((one) => ('row' in one ? [one.row.mentor] : []))
  const ids = new Set(names.flatMap((name) => ('id' in name ? [name.id] : [])))
  const emails = new Set(names.flatMap((name) => ('email' in name ? [name.email] : [])))
  const scopes = mentor.scopes(principal)
  const found = (await store.mentors(principal.orgId, [...ids], [...emails])).filter(
    ({ id, orgId, userId, coordinatorId }) => inScope(scopes, id, { orgId, userId, coordinatorId }),
  )
  const known = new Set(found.map(({ id }) => id))
  const byEmail = Map.groupBy(found, ({ email }) => email)
  return ({ mentor: name }) =>
    'id' in name
      ? [name.id].filter((id) => known.has(id))
      : (byEmail.get(name.email) ?? []).map(({ id }) => id)
}

/**
 * What became of a row earlier: issued by this very import before it was cut off, or recorded in any other way, be it
 * by hand.
 */
const findRecorded = async (
  store: ImportStore,
  orders: readonly Order[],
): Promise<(order: Order) => 'issued' | 'unchanged' | undefined> => {
  const certificates = await store.certificates([...new Set(orders.map(({ payload }) => payload.mentorId))])
  const byId = new Map(certificates.map((certificate) => [certificate.id, certificate]))
  const facts = new Set(certificates.map(factsOf))
  return ({ payload }) => {
    const same = byId.get(payload.id)
    if (same) return same.madeBy === payload.commandId ? 'issued' : 'unchanged'
    return facts.has(factsOf(payload)) ? 'unchanged' : undefined
  }
}

const factsOf = ({ mentorId, certType, issuedAt, expiresAt }: Omit<KnownCertificate, 'id' | 'madeBy'>) =>
  [mentorId, certType, issuedAt, expiresAt].join(' ')

/** What a part asks about its mentors and its organisation, it asks once. */
const remembering = (lookup: Lookup): Lookup => {
  const answers = new Map<string, Promise<unknown>>()
  const once = (key: string, ask: () => Promise<unknown>) => {
    if (!answers.has(key)) answers.set(key, ask())
    return answers.get(key) as Promise<never>
  }
  return {
    ...lookup,
    actor: (definition, id) => once(`${definition.contract.actor} ${id}`, () => lookup.actor(definition, id)),
    organisation: (id) => once(`organisation ${id}`, () => lookup.organisation(id)),
  }
}

/** How often a row is sent again before the whole import waits. */
const PATIENCE = 5

const patiently = async (send: () => Promise<Reply>): Promise<Reply> => {
  for (let attempt = 1; ; attempt++) {
    const reply = await send()
    if (reply.ok || reply.error.code !== 'overloaded' || attempt === PATIENCE) return reply
    await new Promise((resolve) => setTimeout(resolve, reply.retryAfterMs ?? 1_000))
  }
}

/** It says nothing about the row. */
const isPassing = ({ error }: Refused) => ['shutting_down', 'overloaded', 'internal'].includes(error.code)

const COLUMN_OF: Record<string, ImportColumn> = {
  mentorId: 'mentor',
  certType: 'cert_type',
  issuedAt: 'issued_at',
  expiresAt: 'expires_at',
}

const refusalOf = (line: number, { code, message, details }: Refused['error']): RefusedRow => {
  const [first] = Array.isArray(details) ? (details as { path?: string[]; reason?: string }[]) : []
  const column = COLUMN_OF[first?.path?.[0] ?? '']
  return { line, code, message: first?.reason ?? message, ...(column ? { column } : {}) }
}

/** This node stops; another one, or the next start, goes on. */
export class Interrupted extends Error {
  override name = 'Interrupted'
}

export const failureOf = (reply: Refused) =>
  reply.error.code === 'shutting_down'
    ? new Interrupted()
    : new Error(`${reply.error.code}: ${reply.error.message}`)
