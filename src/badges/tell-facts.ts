import { achievementId } from '../../actors/badge-recipient.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Reply } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'
import { tellOrCreate } from '../effects/tell-or-create.ts'
import { FACTS, type Heard } from './facts.ts'

type Dependencies = {
  engine: Pick<Engine, 'send'>
  now: () => number
  failed: (error: unknown, context?: object) => void
}

type Told = {
  actor: 'achievement' | 'badge'
  id: string
  /** The same for the same fact: who has heard it knows it. */
  messageId: string
  news: Heard['news']
  /** The input of the achievement that is made when there is none. */
  orCreate?: { orgId: string; userId: string }
}

/**
 * Tells achievements what events say; what is said to one actor is said in order.
 * @returns a function that says whether everything was heard: false when this node stops. It rejects when somebody may not
 * have heard of it.
 */
export const createTellFacts = ({ engine, now, failed }: Dependencies) => {
  const tell = ({ actor, id, messageId, news: { type, ...payload }, orCreate }: Told): Promise<Reply> => {
    const at = new Date(now()).toISOString()
    const message = { id: messageId, actor: { type: actor, id }, cause: 'signal', type, payload, at } as const
    return tellOrCreate(engine, message, orCreate && { input: orCreate, payload: {} })
  }

  const tellOne = async (messages: readonly Told[]): Promise<boolean> => {
    for (const message of messages) {
      const reply = await tell(message)
      if (reply.ok || reply.error.code === 'not_found') continue
      if (reply.error.code === 'shutting_down') return false
      // A bug: whoever comes after it does not wait until it is mended.
      if (reply.error.code === 'internal')
        failed(new Error('a fact was not counted'), { fact: message.messageId })
      else throw new Error(`${reply.error.code}: ${reply.error.message}`)
    }
    return true
  }

  return async (events: readonly Routed[]): Promise<boolean> => {
    const byActor = Map.groupBy(events.flatMap(messagesOf), ({ id }) => id)
    const ends = await Promise.all([...byActor.values()].map(tellOne))
    return ends.every(Boolean)
  }
}

const messagesOf = ({ event, topics }: Routed): Told[] =>
  (FACTS[event.type]?.(event) ?? []).flatMap((heard): Told[] => {
    if (heard.to === 'badge') {
      const messageId = `fact:${heard.news.type}:${event.id}`
      return [{ actor: 'badge', id: heard.badgeId, messageId, news: heard.news }]
    }
    const { userId, news } = heard
    const orgId = topics.find((topic) => topic.startsWith('org:'))?.slice('org:'.length)
    if (orgId === undefined) return []
    const messageId = `fact:${news.type}:${news.factId}`
    // What was never counted need not be taken back.
    const orCreate = news.type === 'fact.recorded' ? { orCreate: { orgId, userId } } : {}
    return [{ actor: 'achievement', id: achievementId(userId), messageId, news, ...orCreate }]
  })
