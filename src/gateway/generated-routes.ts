import { z } from 'zod'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { CommandContract, QueryContract } from '../../contracts/contract.ts'
import { Id } from '../../contracts/scalars.ts'
import type { Route } from './route.ts'

/** The routes that follow from a contract. */
export const generatedRoutes = (definition: AnyActorDefinition): Route[] => {
  const commands = Object.entries<CommandContract>(definition.contract.commands)
  const queries = Object.entries<QueryContract>(definition.contract.queries)
  const first = commands.find(([, { creates }]) => creates)?.[0]
  return [
    ...queries.map(([name, query]) => ofQuery(definition, name, query)),
    ...commands.map(([name, command]) => ofCommand(definition, name, command, name === first)),
  ]
}

/** The first command that creates has the collection to itself; every other one is named in the path. */
const ofCommand = (
  definition: AnyActorDefinition,
  name: string,
  { summary, input, creates = false, errors = [] }: CommandContract,
  isFirst: boolean,
): Route => {
  const { namespace, view } = definition.contract
  const base = `/api/v1/${namespace}`
  return {
    definition,
    method: 'POST',
    url: creates ? (isFirst ? base : `${base}/${name}`) : `${base}/:id/${name}`,
    operationId: `${namespace}.${name}`,
    group: namespace,
    summary,
    status: creates ? 201 : 200,
    command: true,
    body: creates ? input.safeExtend({ id: Id.optional().describe('Chosen by the client') }) : input,
    data: commandData(view),
    errors,
    answer: ({ request, command }) => command(name, request.body),
  }
}

const ofQuery = (
  definition: AnyActorDefinition,
  name: string,
  { summary, input, output }: QueryContract,
): Route => {
  const { namespace, view } = definition.contract
  const path = { get: '/:id', list: '' }[name] ?? ('id' in input.shape ? `/:id/${name}` : `/${name}`)
  return {
    definition,
    method: 'GET',
    url: `/api/v1/${namespace}${path}`,
    operationId: `${namespace}.${name}`,
    group: namespace,
    summary,
    status: 200,
    query: input,
    data: name === 'get' ? commandData(view).omit({ position: true }) : output,
    answer: async ({ request, query }) => {
      const { data, id, version, state, allowed } = await query(name, request.query as object)
      return name === 'get' ? { id, version, state, allowed, view: data } : data
    },
  }
}

/** `CommandData` as a schema. */
export const commandData = (view: z.ZodType) =>
  z.object({
    id: Id,
    version: z.int().min(1),
    state: z.string(),
    allowed: z.array(z.string()).describe('The commands that the caller may send now'),
    position: z.int().min(1).describe('Of the turn in the journal'),
    view,
  })
