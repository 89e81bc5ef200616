import { categoryContract } from '../contracts/category.ts'
import { offeringContract } from '../contracts/offering.ts'
import { refused } from '../contracts/protocol.ts'
import { categoryMachine } from '../machines/category.ts'
import { defineActor, type Principal } from './actor.ts'
import { getActor, journalFor, listActors } from './queries.ts'
import { administers, decides, isOperator } from './rules.ts'

export const category = defineActor({
  contract: categoryContract,
  machine: categoryMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    name: { type: 'text', indexed: true, of: ({ context }) => context.name },
    icon: { type: 'text', indexed: true, of: ({ context }) => context.icon },
    standing: { type: 'text', of: ({ value }) => value },
  },
  topics: { category: 'id', org: 'orgId' },
  changesAudience: ['category.deleted'],
  scopes: ({ orgId }) => [{ orgId, standing: 'active' }],
  unique: {
    category_unique_name: { code: 'already_exists', message: 'a category of this name exists' },
  },
  allow: { create: decides, update: decides, delete: decides },
  prepare: {
    // Whoever puts an offering there at the same moment hears of it afterwards.
    delete: async ({ id, principal, lookup }) => {
      if (!administers(principal)) return { ok: true, payload: {} }
      const { orgId } = principal
      const scopes = ['public', 'private'].map((visibility) => ({ orgId, categoryId: id, visibility }))
      const where = [{ column: 'moderation', is: 'in', value: ['approved', 'flagged'] } as const]
      const count = await lookup.count({ contract: offeringContract }, { scopes, where })
      return count > 0
        ? refused('category_in_use', `${count} offering(s) use this category`, { count })
        : { ok: true, payload: {} }
    },
  },
  create: {
    create: async ({ id, payload, principal: { orgId }, at }) => {
      return { ok: true, input: { id, at, orgId, ...payload } }
    },
  },
  queries: {
    get: getActor,
    list: listActors,
    journal: journalFor((principal: Principal) =>
      isOperator(principal) ? [{ orgId: principal.orgId, standing: 'active' }] : [],
    ),
  },
  view: ({ context: { name, description, icon } }, id) => ({ id, name, description, icon }),
})
