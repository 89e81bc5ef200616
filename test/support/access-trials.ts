import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { QueryContract } from '../../contracts/contract.ts'
import { catalogCalls, type CatalogCall } from '../../contracts/catalog-calls.ts'
import { routesOf } from '../../src/gateway/routes.ts'
import type { Access } from './access-table.ts'
import { http } from './http.ts'
import { connect, type Client, type Person, type TestServer } from './server.ts'

/** What an operation is tried with: in the words of the routes, and in those of the contracts where they differ. */
export type Fields = { rest: object; socket?: object }

type Scene<Made extends { id: string }> = {
  server: () => TestServer
  definitions: readonly AnyActorDefinition[]
  /** Of the sockets, `/live`. */
  namespace: string
  /** Brings an object into the state that a line is about. */
  make: (line: Access) => Promise<Made>
  fields: (operation: string, made: Made) => Fields | undefined
  /** Nothing stands for whoever has not signed in. */
  personOf: (somebody: string, made: Made, operation: string) => Promise<Person | undefined>
  ends: (end: () => Promise<void>) => unknown
}

type Attempt<Made> = { operation: string; made: Made; person: Person | undefined }
type Outcome = { code: string | undefined; ids: string[] }

/** Tries a line of a table out with everybody, one after the other. */
export const createTrials = <Made extends { id: string }>(scene: Scene<Made>) => {
  const { definitions, namespace, make, fields: fieldsOf, personOf, ends } = scene
  const routes = new Map(routesOf(definitions).map((route) => [route.operationId, route]))
  const clients = new Map<string, Promise<Client>>()

  const kindOf = (operation: string) => {
    const { contract, like } = callOf(definitions, operation.split(':')[0]!)
    const query: QueryContract | undefined = contract.queries[like]
    const isList = query !== undefined && !('id' in query.input.shape)
    return { isList, isQuery: query !== undefined, creates: contract.commands[like]?.creates ?? false, like }
  }

  const overHttp = async ({ operation, made, person }: Attempt<Made>): Promise<Outcome> => {
    const [name = ''] = operation.split(':')
    const { method, url } = routes.get(name)!
    const fields = fieldsOf(operation, made)?.rest
    return paged(operation, async (page) => {
      const search = new URLSearchParams({ ...(method === 'GET' ? fields : {}), ...page })
      const path = url.replace(':id', made.id) + (search.size > 0 ? `?${search.toString()}` : '')
      const body = fields && method !== 'GET' ? { body: fields } : {}
      const answer = (await http(scene.server(), person)(method, path, body)).body
      return { code: answer.error?.code, data: answer.data }
    })
  }

  const overSocket = async ({ operation, made, person }: Attempt<Made>): Promise<Outcome> => {
    const [name = ''] = operation.split(':')
    const { isList, creates } = kindOf(operation)
    const client = await clientOf(person!)
    const { rest, socket = rest } = fieldsOf(operation, made) ?? { rest: {} }
    const payload = { ...socket, ...(isList || creates ? {} : { id: made.id }) }
    return paged(operation, async (page) => {
      const reply = await client.call(name, { ...payload, ...page })
      return { code: reply.error?.code, data: reply.data }
    })
  }

  /** Kept open for all tests. */
  const clientOf = (person: Person): Promise<Client> => {
    let client = clients.get(person.id)
    if (!client) {
      client = connect(scene.server(), person, namespace, (end) => ends(async () => end()))
      clients.set(person.id, client)
    }
    return client
  }

  type Answered = { code: string | undefined; data: { items: { id: string }[]; next?: string } }

  /** What is searched for stands on the first page. */
  const paged = async (operation: string, ask: (page: object) => Promise<Answered>): Promise<Outcome> => {
    const { isList, like } = kindOf(operation)
    const limit = like === 'list' ? { limit: 200 } : {}
    const ids: string[] = []
    for (let after: string | undefined; ;) {
      const { code, data } = await ask({ ...limit, ...(after === undefined ? {} : { after }) })
      if (code !== undefined || !isList) return { code, ids }
      ids.push(...data.items.map(({ id }) => id))
      after = data.next
      if (after === undefined) return { code, ids }
    }
  }

  const trial =
    (channel: typeof overHttp, asksNobody: boolean) =>
    async (line: Access): Promise<Record<string, string>> => {
      const { operation, verdicts: expected } = line
      const { isList, isQuery } = kindOf(operation)
      const verdicts: Record<string, string> = {}
      let made = await make(line)
      for (const somebody of Object.keys(expected)) {
        const person = await personOf(somebody, made, operation)
        if (!person && !asksNobody) {
          verdicts[somebody] = expected[somebody]!
          continue
        }
        const { code, ids } = await channel({ operation, made, person })
        const isThere = !isList || ids.includes(made.id)
        verdicts[somebody] = code ?? (isThere ? 'allowed' : 'not_found')
        // What has been changed is no longer in that state.
        if (verdicts[somebody] === 'allowed' && !isQuery) made = await make(line)
      }
      return verdicts
    }

  return [
    ['over HTTP', trial(overHttp, true)],
    // Sockets want a sign-in.
    [`in ${namespace}`, trial(overSocket, false)],
  ] as const
}

/** What a name stands for: one of the catalogue's own, or a contract's namespace and what it has. */
const callOf = (definitions: readonly AnyActorDefinition[], name: string): CatalogCall => {
  const own = new Map<string, CatalogCall>(Object.entries(catalogCalls)).get(name)
  if (own) return own
  const [namespace, like = ''] = name.split('.')
  const found = definitions.find(({ contract }) => contract.namespace === namespace)
  if (!found) throw new Error(`there is no '${name}'`)
  return { contract: found.contract, like }
}
