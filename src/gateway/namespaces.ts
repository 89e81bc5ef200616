import type { AnyActorDefinition, Principal } from '../../actors/actor.ts'
import { isOperator } from '../../actors/rules.ts'
import { catalogNamespace } from './catalog/namespace.ts'
import type { Ask, OwnCall } from './own-call.ts'

/** One Socket.IO namespace: whom it is for, and the contracts whose commands, queries and events it has. */
export type NamespaceContract = {
  /** Without its slash. */
  name: string
  summary: string
  definitions: readonly AnyActorDefinition[]
  /** `renew` in `/certifications`; `certifications.renew` where there are several contracts. */
  callName: (definition: AnyActorDefinition, name: string) => string
  /** Calls of other names, which stand for some of those. */
  ownCalls?: readonly OwnCall[]
  /** For those whom it does not admit it does not exist; nobody in particular is who has no valid token. */
  admits: (principal: Principal | undefined) => boolean
}

/** Every namespace that follows from these contracts: their own ones, and those that join them. */
export const namespacesOf = (definitions: readonly AnyActorDefinition[]): NamespaceContract[] => {
  const common = definitions.filter(({ contract }) => contract.audience !== 'operators')
  return [
    ...common.map((definition) => ({
      name: definition.contract.namespace as string,
      summary: `One kind of actor: ${definition.contract.actor}`,
      definitions: [definition],
      callName: (_: AnyActorDefinition, name: string) => name,
      admits: everybody,
    })),
    ...catalogNamespace(definitions).map((joined) => ({ ...joined, callName: qualified, admits: everybody })),
    {
      name: 'live',
      summary: 'Every kind of actor',
      definitions: common,
      callName: qualified,
      admits: everybody,
    },
    {
      name: 'admin',
      summary: 'What /live has and what is for operators only; for everybody else it does not exist',
      definitions,
      callName: qualified,
      admits: (principal) => principal !== undefined && isOperator(principal),
    },
  ]
}

const qualified: NamespaceContract['callName'] = ({ contract }, name) => `${contract.namespace}.${name}`

const everybody = () => true

/** How a namespace answers the calls that it has, by their names in it. */
export const callsOf = ({
  definitions,
  callName,
  ownCalls = [],
}: NamespaceContract): Map<string, Pick<OwnCall, 'definition' | 'answer'>> => {
  const ofContracts = definitions.flatMap((definition) =>
    Object.keys({ ...definition.contract.commands, ...definition.contract.queries }).map((name) => ({
      name: callName(definition, name),
      definition,
      answer: (ask: Ask, payload: unknown) => ask(name, payload),
    })),
  )
  return new Map([...ofContracts, ...ownCalls].map((call) => [call.name, call]))
}
