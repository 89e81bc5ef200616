import type { AnyActorDefinition, Principal } from './actor.ts'
import { inScope, type Active } from './engine/turn.ts'

type Directory = {
  active: (actorType: string, id: string) => Promise<Active | undefined>
  userOrganisation: (userId: string) => Promise<string | undefined>
}

/** Whether the principal may see everything that is published on a topic. */
export type TopicRule = (principal: Principal, id: string) => boolean | Promise<boolean>

/** Whoever runs an organisation, or helps its people. */
export const isOperator = ({ roles }: Principal) =>
  roles.includes('admin') || roles.includes('csm') || roles.includes('system')

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
          ? principal.roles.includes('coordinator')
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
