import { DEFAULT_SETTINGS, preferenceContract } from '../contracts/preference.ts'
import { preferenceMachine, settingsOf } from '../machines/preference.ts'
import { defineActor } from './actor.ts'
import { ownActor } from './own-actor.ts'
import { actorJournal, getActor, type QueryHandler } from './queries.ts'

const PREFERENCE = { contract: preferenceContract, machine: preferenceMachine }

/** `own {}`: how the caller is told things, said or not. */
const ownSettings: QueryHandler<object> = async ({ principal: { userId }, read }) => {
  const { found } = await read.search(preference, { scopes: [{ userId }], limit: 1 })
  return { ok: true, data: found[0]?.view ?? { id: null, userId, ...DEFAULT_SETTINGS } }
}

export const preference = defineActor({
  contract: preferenceContract,
  machine: preferenceMachine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    userId: { type: 'uuid', of: ({ context }) => context.userId },
  },
  topics: { preference: 'id' },
  scopes: ({ orgId, userId }) => [{ orgId, userId }],
  unique: { preference_of_one: { code: 'already_exists', message: 'each user has one set of preferences' } },
  allow: { set: ({ userId }, { context }) => context.userId === userId },
  create: {
    set: async ({ id, payload, principal: { orgId, userId }, at, lookup }) => {
      const existing = await ownActor(lookup, PREFERENCE, userId)
      if (existing) return { ok: true, existing, changes: true }
      return { ok: true, input: { id, at, orgId, userId, ...DEFAULT_SETTINGS, ...givenIn(payload) } }
    },
  },
  queries: { get: getActor, own: ownSettings, journal: actorJournal },
  view: ({ context }, id) => ({ id, userId: context.userId, ...settingsOf(context) }),
})

const givenIn = <Payload extends object>(payload: Payload) =>
  Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Payload]: Exclude<Payload[Name], undefined>
  }
