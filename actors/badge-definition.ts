import type { SnapshotFrom } from 'xstate'
import { badgeDefinitionContract, type Criteria, type Rule } from '../contracts/badge-definition.ts'
import { refused } from '../contracts/protocol.ts'
import { criteriaText } from '../machines/badge-criteria.ts'
import { badgeDefinitionMachine } from '../machines/badge-definition.ts'
import { defineActor, type Principal } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers, decides, isOperator } from './rules.ts'

type Snapshot = SnapshotFrom<typeof badgeDefinitionMachine>

const BADGE_DEFINITION = { contract: badgeDefinitionContract, machine: badgeDefinitionMachine }

/** Badges of an organisation that can be earned at one time: each fact is held against all of them. */
const MOST_EARNABLE = 500

const EARNABLE = ['active', 'locked'] as const

export const isEarnable = ({ value }: Pick<Snapshot, 'value'>): boolean =>
  EARNABLE.some((state) => state === value)

/** Where the evaluation finds those of an organisation. */
export const earnableOf = (orgId: string) => ({
  scopes: [{ orgId }],
  where: [{ column: 'status', is: 'in', value: EARNABLE } as const],
})

const mayDefine = (principal: Principal) => administers(principal)

type Written = {
  criteria?: Criteria | undefined
  criteriaType?: Rule['kind'] | undefined
  criteriaValue?: number | undefined
}

/** One rule may be written in two fields (S1.3). */
const criteriaOf = ({ criteria, criteriaType: kind, criteriaValue: value }: Written): Criteria | undefined =>
  criteria ?? (kind && value ? { match: 'all', rules: [{ kind, value }] } : undefined)

const forbidden = refused('forbidden', 'you may not say what badges there are')

export const badgeDefinition = defineActor({
  contract: badgeDefinitionContract,
  machine: badgeDefinitionMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    name: { type: 'text', of: ({ context }) => context.name },
    status: { type: 'text', of: ({ value }) => value },
    predecessorId: { type: 'uuid', indexed: true, of: ({ context }) => context.predecessorId },
    holdsName: { type: 'boolean', of: (snapshot) => holdsName(snapshot) },
  },
  unique: {
    badge_definition_unique_name: { code: 'already_exists', message: 'name: another badge has this name' },
    badge_definition_next_edition: {
      code: 'already_exists',
      message: 'predecessorId: the next edition of this badge is there already',
    },
  },
  topics: { badgeDefinition: 'id', org: 'orgId' },
  changesAudience: ['badgeDefinition.activated', 'badgeDefinition.archived'],
  scopes: (principal) => {
    const { orgId } = principal
    return isOperator(principal) ? [{ orgId }] : EARNABLE.map((status) => ({ orgId, status }))
  },
  allow: { define: decides, revise: decides, update: decides, activate: decides, archive: decides },
  prepare: {
    update: async ({ payload: { criteriaType, criteriaValue, ...payload } }) => ({
      ok: true,
      payload: { ...payload, criteria: criteriaOf({ ...payload, criteriaType, criteriaValue }) },
    }),
    activate: async ({ principal, lookup }) =>
      mayDefine(principal) &&
      (await lookup.count(BADGE_DEFINITION, earnableOf(principal.orgId))) >= MOST_EARNABLE
        ? refused('too_many_badges', `at most ${MOST_EARNABLE} badges can be earned at one time`)
        : { ok: true, payload: {} },
  },
  create: {
    define: async ({ id, payload, principal, at }) => {
      if (!mayDefine(principal)) return forbidden
      const { criteriaType, criteriaValue, ...terms } = payload
      const criteria = criteriaOf({ ...terms, criteriaType, criteriaValue })!
      const { orgId } = principal
      return { ok: true, input: { ...terms, id, at, orgId, criteria, edition: 1, ...NO_PREDECESSOR } }
    },
    revise: async ({ id, payload, principal, at, lookup }) => {
      if (!mayDefine(principal)) return forbidden
      const { predecessorId } = payload
      const { orgId } = principal
      const scopes = [{ orgId, id: predecessorId }]
      const [known] = (await lookup.search(BADGE_DEFINITION, { scopes, limit: 1 })).found
      if (!known) return refused('not_found', 'predecessorId: no such badge')
      if (known.state !== 'locked')
        return refused(
          'not_locked',
          'only a badge that has been earned, and still can be, has a next edition',
        )
      const { edition, ...before } = known.snapshot.context
      const terms = {
        name: payload.name ?? before.name,
        iconKey: payload.iconKey ?? before.iconKey,
        description: payload.description ?? before.description,
        criteria: criteriaOf(payload) ?? before.criteria,
        repeatable: payload.repeatable === undefined ? before.repeatable : payload.repeatable,
        revocable: payload.revocable ?? before.revocable,
      }
      const predecessor = { predecessorId, predecessorName: before.name }
      return { ok: true, input: { ...terms, id, at, orgId, edition: edition + 1, ...predecessor } }
    },
  },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  explain: {
    update: () => ({
      code: 'locked',
      message:
        'it has been earned: only its picture and description can change, or the next edition is drafted',
    }),
  },
  view: ({ value, context: { orgId: _, predecessorName: _name, ...context } }, id) => ({
    ...context,
    id,
    criteriaText: criteriaText(context.criteria, context.repeatable),
    status: value,
  }),
})

const NO_PREDECESSOR = { predecessorId: null, predecessorName: null }

/** The draft of a next edition may have the name of the one that it will take over from, and nobody else's. */
const holdsName = ({ value, context: { name, predecessorName } }: Snapshot): boolean =>
  value !== 'archived' && (name !== predecessorName || (value !== 'draft' && value !== 'superseding'))
