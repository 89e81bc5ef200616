import { importContract } from '../contracts/import.ts'
import { importMachine, progressOf } from '../machines/import.ts'
import { refused } from '../contracts/protocol.ts'
import { defineActor, type Principal } from './actor.ts'
import { actorJournal, getActor, listActors, type QueryHandler } from './queries.ts'
import { has, isOperator } from './rules.ts'

/** Whoever may issue certifications may import them; each row is decided by the rules of `issue`. */
export const mayImport = (principal: Principal): boolean => has(principal, 'admin', 'coordinator')

const reportOf: QueryHandler<{ id: string; after?: number | undefined; limit?: number | undefined }> = async (
  request,
) => {
  const one = await getActor(request)
  if (!one.ok) return one
  const { id, after = 1, limit = 200 } = request.input
  const found = await request.read.importRefusals(id, after, limit + 1)
  const items = found.slice(0, limit)
  const next = found.length > limit ? items.at(-1)?.line : undefined
  return { ok: true, data: next === undefined ? { items } : { items, next } }
}

export const importActor = defineActor({
  contract: importContract,
  machine: importMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    startedBy: { type: 'uuid', indexed: true, of: ({ context }) => context.startedBy },
  },
  topics: { import: 'id', user: 'startedBy', org: 'orgId' },
  scopes: (principal) => [
    ...(isOperator(principal) ? [{ orgId: principal.orgId }] : []),
    ...(has(principal, 'coordinator') ? [{ orgId: principal.orgId, startedBy: principal.userId }] : []),
  ],
  allow: {
    start: (principal, { context }) =>
      context.orgId === principal.orgId && context.startedBy === principal.userId && mayImport(principal),
  },
  create: {
    start: async ({ id, principal, at, lookup }) => {
      const { orgId, userId: startedBy } = principal
      const upload = await lookup.upload(id)
      if (upload?.orgId !== orgId || upload.userId !== startedBy)
        return refused('not_found', 'no file was uploaded for this import')
      return { ok: true, input: { id, at, orgId, startedBy, rows: upload.rows } }
    },
  },
  queries: { get: getActor, list: listActors, report: reportOf, journal: actorJournal },
  view: ({ context }, id) => ({
    id,
    startedBy: context.startedBy,
    ...progressOf(context.rows, context),
    startedAt: context.startedAt,
    ...(context.finishedAt === null ? {} : { finishedAt: context.finishedAt }),
    ...(context.failure === null ? {} : { failure: context.failure }),
  }),
})
