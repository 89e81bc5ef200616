import type { AnyActorDefinition, Principal } from './actor.ts'
import { inScope, type Active } from './engine/turn.ts'
import { has, isOperator } from './rules.ts'

type Directory = {
  active: (actorType: string, id: string) => Promise<Active | undefined>
  userOrganisation: (userId: string) => Promise<string | undefined>
}

/** Whether the principal may watch a topic: all that is published there, but what is confidential on that of another user. */
export type TopicRule = (principal: Principal, id: string) => boolean | Promise<boolean>

/** Whether actors of a type are nobody's business but that of the user on whose topic they are. */
export const confidentialIn = (definitions: readonly AnyActorDefinition[]) => {
  const types = new Set(
    definitions.flatMap(({ contract, confidential }) => (confidential ? [contract.actor] : [])),
  )
  return (actorType: string): boolean => types.has(actorType)
}

/** There they hear of everything but what is confidential. */
export const isOfAnotherUser = ({ userId }: Principal, topic: string): boolean =>
  topic.startsWith('user:') && topic !== `user:${userId}`

/**
 * One rule for each topic kind: one for each actor type, made from its scopes, and these.
 * @throws when an actor publishes on a kind that has no rule, because then nobody would have decided who may listen.
 */
export const topicRules = (
  definitions: readonly AnyActorDefinition[],
  directory: Directory,
): ReadonlyMap<string, TopicRule> => {
  const sameOrganisation: TopicRule = async (principal, userId) =>
    (await directory.userOrganisation(userId)) === principal.orgId
  const rules = new Map<string, TopicRule>([
    ['org', (principal, id) => id === principal.orgId && isOperator(principal)],
    ['finance', (principal, id) => id === principal.orgId && isOperator(principal)],
    [
      'user',
      (principal, id) =>
        id === principal.userId || (isOperator(principal) && sameOrganisation(principal, id)),
    ],
    [
      'coordinator',
      (principal, id) =>
        id === principal.userId
          ? has(principal, 'coordinator')
          : isOperator(principal) && sameOrganisation(principal, id),
    ],
  ])
  // What happens in it, not what it is: for whoever teaches it, and operators.
  if (definitions.some(({ contract }) => contract.actor === 'offering'))
    rules.set('course', async (principal, id) => {
      const { orgId, ownerId } = (await directory.active('offering', id))?.columns ?? {}
      return orgId === principal.orgId && (ownerId === principal.userId || isOperator(principal))
    })
  for (const definition of definitions) {
    rules.set(definition.contract.actor, async (principal, id) => {
      const actor = await directory.active(definition.contract.actor, id)
      return actor !== undefined && inScope(definition.scopes(principal), id, actor.columns)
    })
  }
  for (const { contract, topics } of definitions)
    for (const kind of Object.keys(topics))
      if (!rules.has(kind))
        throw new Error(`${contract.actor}: no rule says who may subscribe to '${kind}:…'`)
  return rules
}
