import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Accepted } from '../../../contracts/protocol.ts'
import { PageFields } from '../../../contracts/queries.ts'
import { Id, Note } from '../../../contracts/scalars.ts'
import { invalid } from '../dispatcher.ts'
import { refusePayload } from '../guard.ts'
import { HttpRefusal } from '../http-envelope.ts'
import type { OwnCall } from '../own-call.ts'
import type { Asked, Route } from '../route.ts'

/** What the catalogue's routes have in common: the sources' words outside, the contracts' words inside. */

/** What became of what has been deleted, in the words of the actors' states. */
const INACTIVE: ReadonlySet<string | undefined> = new Set(['deleting', 'deleted', 'removed'])

export const isActive = (state: string | undefined): boolean => !INACTIVE.has(state)

/** @throws HttpRefusal `invalid_input`, in the words of the schema */
export const read = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const { data, error } = schema.safeParse(value)
  if (error) throw new HttpRefusal(invalid(error).error)
  return data
}

/** @throws HttpRefusal `invalid_input` or `pan_not_accepted`; nothing at all is as good as an empty object */
export const readBody = <Schema extends z.ZodType>(
  schema: Schema,
  { body = {} }: FastifyRequest,
): z.output<Schema> => {
  const fault = refusePayload(body)
  if (fault) throw new HttpRefusal(fault.error)
  return read(schema, body)
}

/** What was left out stays away. */
export const given = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** Why something is deleted that others have: in the body, or in the address for clients that send no body. */
export const REASON = {
  query: z.strictObject({ reason: Note.optional().describe('Instead of the body') }),
  body: z.strictObject({ reason: Note.optional().describe('Administrators have to say why') }).optional(),
}

export const reasonOf = (request: FastifyRequest): object => ({
  ...given(read(REASON.query, request.query)),
  ...given(readBody(REASON.body, request) ?? {}),
})

/**
 * What became of it: an offering asks first whether anybody is enrolled, and clients of REST hear of nothing later.
 * @throws HttpRefusal `has_enrollments` when somebody was faster
 */
export const deletion = async (
  { own, untilState }: Pick<Asked, 'own' | 'untilState'>,
  call: OwnCall,
  fields: object,
): Promise<Accepted> => {
  const begun = await own(call, fields)
  if (begun.state !== 'deleting') return begun
  const { view, state } = (await untilState(begun.id!, (now) => now !== 'deleting')) ?? {}
  if (state !== undefined && isActive(state))
    throw new HttpRefusal({ code: 'has_enrollments', message: 'learners are enrolled: unpublish instead' })
  return { ...begun, data: view ?? begun.data, state: state ?? 'deleting' }
}

/** For a body that makes something. */
export const chosenId = { id: Id.optional().describe('Chosen by the client') }

/** One page, as the sources' lists show things. */
export const listOf = (name: string, one: z.ZodType) =>
  z.object({ [name]: z.array(one), next: z.string().optional().describe('For `after`') })

type Page = { items: { state: string; view: unknown }[]; next?: string }

/** A page of a contract in other words. */
export const shownPage = (name: string, { data }: Accepted, show: (view: never, state: string) => object) => {
  const { items, next } = data as Page
  const shown = items.map(({ view, state }) => show(view as never, state))
  return { [name]: shown, ...(next === undefined ? {} : { next }) }
}

/** Five operations on one kind of object, at one address. */
type Face = {
  group: string
  /** The address of the collection. */
  base: string
  calls: Record<'get' | 'list' | 'create' | 'update' | 'delete', OwnCall>
  /** What an object looks like, and how it comes to look so. */
  data: z.ZodObject
  show: (view: never, state: string) => object
  filters: z.ZodObject
  create: z.ZodType
  update: z.ZodType
  /** From the words of these three to those of the contract, where they differ. */
  meant?: {
    filters?: (fields: never) => object
    create?: (fields: never) => object
    update?: (fields: never) => object
  }
  /** Others have it, too: whoever deletes it may have to say why. */
  hasReason?: boolean
  statuses?: Readonly<Record<string, number>>
}

const asTheyAre = (fields: object) => fields

export const businessRoutes = (face: Face): Route[] => [...reading(face), ...changing(face)]

const common = (group: string, { definition, name, summary }: OwnCall) => ({
  definition,
  group,
  operationId: name,
  summary,
  socket: { name, namespace: 'catalog' },
})

const one = (show: Face['show'], { data: view, state = '' }: Accepted) => show(view as never, state)

const reading = ({ group, base, calls, data, show, filters, meant = {} }: Face): Route[] => {
  const list = filters.extend(PageFields)
  return [
    {
      ...common(group, calls.list),
      method: 'GET',
      url: base,
      status: 200,
      public: true,
      query: list,
      data: listOf('items', data),
      answer: async ({ request, own }) => {
        const fields = (meant.filters ?? asTheyAre)(read(list, request.query) as never)
        return shownPage('items', await own(calls.list, given(fields)), show)
      },
    },
    {
      ...common(group, calls.get),
      method: 'GET',
      url: `${base}/:id`,
      status: 200,
      public: true,
      data,
      answer: async ({ request, own }) => one(show, await own(calls.get, request.query)),
    },
  ]
}

const changing = (face: Face): Route[] => {
  const { group, base, calls, data, show, create, update, meant = {}, hasReason, statuses } = face
  const command = (call: OwnCall) => ({
    ...common(group, call),
    command: true,
    data,
    errors: call.definition.contract.commands[call.like]?.errors ?? [],
    ...(statuses ? { statuses } : {}),
  })
  return [
    {
      ...command(calls.create),
      method: 'POST',
      url: base,
      status: 201,
      body: create,
      location: (id) => `${base}/${id}`,
      answer: async ({ request, own }) => {
        const fields = (meant.create ?? asTheyAre)(readBody(create, request) as never)
        return one(show, await own(calls.create, given(fields)))
      },
    },
    {
      ...command(calls.update),
      method: 'PATCH',
      url: `${base}/:id`,
      status: 200,
      body: update,
      answer: async ({ request, own }) => {
        const fields = (meant.update ?? asTheyAre)(readBody(update, request) as never)
        return one(show, await own(calls.update, given(fields)))
      },
    },
    {
      ...command(calls.delete),
      method: 'DELETE',
      url: `${base}/:id`,
      status: 200,
      ...(hasReason ? REASON : {}),
      answer: async (asked) => {
        const fields = hasReason ? reasonOf(asked.request) : readBody(NOTHING, asked.request)
        return one(show, await deletion(asked, calls.delete, fields))
      },
    },
  ]
}

const NOTHING = z.strictObject({})
