import { randomUUIDv7 } from 'node:crypto'
import type { AnyActorDefinition, Creation, CreationRequest, Lookup, Principal } from '../../actors/actor.ts'
import { certification } from '../../actors/certification.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Message } from '../../actors/engine/message.ts'
import { mentor } from '../../actors/mentor.ts'
import type { Organisation as OrganisationRules } from '../../actors/ports.ts'
import type { Refusal } from '../../contracts/protocol.ts'
import type { Database } from '../../persistence/database.ts'
import { Organisation, User, UserRole } from '../../persistence/identity.ts'
import { OfferingPrice } from '../../persistence/prices.ts'
import { createPasswords } from '../auth/passwords.ts'
import { REQUIRED_CERT_TYPES, type DemoUser } from './accounts.ts'
import { demoData, demoId, type DemoData, type DemoStep } from './data.ts'

/** The part of a server that demo data is loaded into. */
export type DemoTarget = { database: Database; engine: Engine; defaultOrgId: string; now: () => number }

/** A command of the demo data was refused: the database holds something that it does not expect. */
export class DemoRefused extends Error {
  override name = 'DemoRefused'
}

/** How many actors are made at once: less than one node takes, enough to fill its commits. */
const CHUNK = 200

/**
 * Loads the demo data into the default organisation, or does nothing when it is there. All ids are fixed, so a load
 * that was cut off goes on where it stopped. The administrator's account comes last: it says that people and
 * certificates are complete. What later versions brought is looked for on each start.
 * @returns whether anything had to be loaded.
 * @throws DemoRefused
 */
export const loadDemo = async (target: DemoTarget, password: string): Promise<boolean> => {
  const data = demoData(target.defaultOrgId, target.now())
  const { coordinators, mentorUsers, learner, tutor, admin } = data
  const known = await target.database.read((em) => em.findOne(User, { id: admin.id }))
  const passwords = createPasswords()
  const isSame = known !== null && (await passwords.matches(password, known.passwordHash))
  // One derivation for all: two hundred would take twenty seconds, and the password is the same.
  const passwordHash = isSame ? known.passwordHash : await passwords.hash(password)
  if (!known) {
    const organisation = await prepareOrganisation(target)
    await addUsers(target, [...coordinators, ...mentorUsers], passwordHash)
    await addActors(target, data, organisation)
    await addUsers(target, [admin], passwordHash)
  } else if (!isSame) {
    await changePasswords(target, [...coordinators, ...mentorUsers, learner, tutor, admin], passwordHash)
  }
  const later = [learner, tutor]
  const ids = later.map(({ id }) => id)
  const hasLater = (await target.database.read((em) => em.count(User, { id: { $in: ids } }))) === later.length
  if (!hasLater) await addUsers(target, later, passwordHash)
  const hasPrices = await addPrices(target, data)
  return !known || !hasLater || !hasPrices
}

/** What an administrator has changed stays. @returns whether all were there */
const addPrices = ({ database, defaultOrgId: orgId, now }: DemoTarget, { offerings, admin }: DemoData) =>
  database.transaction(async (em) => {
    const setting = { orgId, active: true, updatedBy: admin.id, updatedAt: new Date(now()) }
    const rows = offerings.map(({ offeringId, title, amount: { minor: amountMinor, currency } }) => {
      return { ...setting, offeringId, title, amountMinor, currency }
    })
    const ids = rows.map(({ offeringId }) => offeringId)
    if ((await em.count(OfferingPrice, { offeringId: { $in: ids } })) === rows.length) return true
    await em.upsertMany(OfferingPrice, rows, {
      onConflictFields: ['offeringId'],
      onConflictAction: 'ignore',
    })
    return false
  })

const prepareOrganisation = ({ database, defaultOrgId }: DemoTarget): Promise<OrganisationRules> =>
  database.transaction(async (em) => {
    const organisation = await em.findOneOrFail(Organisation, { id: defaultOrgId })
    organisation.name = 'Laurel Demo'
    organisation.settings = { ...organisation.settings, requiredCertTypes: REQUIRED_CERT_TYPES }
    return { id: defaultOrgId, settings: organisation.settings }
  })

const addUsers = (
  { database, defaultOrgId: orgId, now }: DemoTarget,
  users: readonly DemoUser[],
  passwordHash: string,
) =>
  database.transaction(async (em) => {
    const at = new Date(now())
    const rows = users.map(({ id, email, name }) => {
      const username = email.slice(0, email.indexOf('@'))
      return { id, orgId, email, name, username, passwordHash, createdAt: at, updatedAt: at }
    })
    const roles = users.map(({ id: userId, role }) => ({ userId, role }))
    // Another node may be at it, too.
    await em.upsertMany(User, rows, { onConflictFields: ['id'], onConflictAction: 'ignore' })
    await em.upsertMany(UserRole, roles, {
      onConflictFields: ['userId', 'role'],
      onConflictAction: 'ignore',
    })
  })

const changePasswords = ({ database, now }: DemoTarget, users: readonly DemoUser[], passwordHash: string) =>
  database.transaction(async (em) => {
    const ids = users.map(({ id }) => id)
    await em.nativeUpdate(User, { id: { $in: ids } }, { passwordHash, updatedAt: new Date(now()) })
  })

/** Makes mentors and certifications by the commands that clients would send. */
const addActors = async (
  { engine, defaultOrgId: orgId }: DemoTarget,
  { admin, mentors, certifications }: DemoData,
  organisation: OrganisationRules,
) => {
  const lookup: Lookup = {
    actor: async ({ contract }, id) => (await engine.peek(contract.actor, id))?.snapshot as never,
    organisation: async () => organisation,
    userOrganisation: async () => orgId,
    user: async () => undefined,
    search: async () => ({ found: [] }),
    count: async () => 0,
    knows: () => false,
    upload: async () => undefined,
    price: async () => undefined,
    takesPayments: () => false,
    authorization: async () => undefined,
    failedPayments: async () => 0,
    failedPaymentsPerHour: 1,
    takesPushes: () => false,
    pushMark: () => undefined,
  }
  const make = createMaker(engine, orgId, lookup)
  const asAdmin: Principal = { userId: admin.id, orgId, roles: ['admin'] }
  await inChunks(mentors, ({ id, registeredAt: at, steps, userId, coordinatorId }) =>
    make({
      definition: mentor,
      creation: { name: 'register', id, at, principal: asAdmin, payload: { userId, coordinatorId } },
      steps,
    }),
  )
  await inChunks(certifications, ({ id, recordedAt: at, steps, coordinatorId, ...facts }) =>
    make({
      definition: certification,
      creation: {
        name: 'issue',
        id,
        at,
        principal: { userId: coordinatorId, orgId, roles: ['coordinator'] },
        payload: facts,
      },
      steps,
    }),
  )
}

const inChunks = async <Item>(items: readonly Item[], work: (item: Item) => Promise<void>) => {
  for (let from = 0; from < items.length; from += CHUNK)
    await Promise.all(items.slice(from, from + CHUNK).map(work))
}

type Making = {
  definition: AnyActorDefinition
  creation: Pick<Message, 'id' | 'at'> & { name: string; principal: Principal; payload: object }
  steps: readonly DemoStep[]
}

const createMaker =
  (engine: Engine, orgId: string, lookup: Lookup) =>
  async ({ definition, creation, steps }: Making) => {
    const { name, id, at, principal, payload: given } = creation
    const { contract, create } = definition
    const parse = (command: string, input: object) => contract.commands[command]!.input.parse(input) as object
    const message = (command: string, moment: string, payload: object): Message => ({
      id: demoId(orgId, `${id} ${command}`),
      actor: { type: contract.actor, id },
      cause: 'command',
      type: command,
      payload,
      at: moment,
      principal,
      correlationId: 'demo',
      // The same for all payloads: whatever the dates are this time, a repetition gets the first answer.
      hash: 'demo',
    })
    const payload = parse(name, given)
    const made = await (create[name as never] as AnyCreate)({
      id,
      payload,
      principal,
      at,
      lookup,
      newId: randomUUIDv7,
    })
    if (!made.ok) throw refusal(definition, id, made.error)
    if ('existing' in made) return
    // All at once, so that they are one commit and no timer of the past fires in between.
    const replies = await Promise.all([
      engine.send({ ...message(name, at, payload), creation: { input: made.input } }),
      ...steps.map((step) => engine.send(message(step.name, step.at, parse(step.name, step.payload)))),
    ])
    for (const reply of replies) if (!reply.ok) throw refusal(definition, id, reply.error)
  }

type AnyCreate = (request: CreationRequest<object>) => Promise<Creation<object>>

const refusal = ({ contract }: AnyActorDefinition, id: string, { code, message }: Refusal) =>
  new DemoRefused(`the demo data could not be loaded: ${contract.actor} ${id}: ${code}: ${message}`)
