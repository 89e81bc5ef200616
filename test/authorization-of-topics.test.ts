import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { connect } from './support/server.ts'
import { RULES } from './support/authorization/rules.ts'
import { TOPICS } from './support/authorization/topic-rules.ts'
import { PATIENCE, aWorld } from './support/authorization/world.ts'

describe('each topic', () => {
  it('has a rule here', () => {
    const names = actors.flatMap(({ topics, contract }) => [...Object.keys(topics), contract.actor])
    expect(new Set(Object.keys(TOPICS))).toEqual(new Set(names))
  })

  const kinds = Object.entries(TOPICS)

  // In parts: one user may not make so many subscriptions within a minute.
  const parts = Array.from({ length: Math.ceil(kinds.length / 6) }, (_, part) => [
    kinds.slice(6 * part, 6 * part + 6),
  ])
  it.each(parts)(
    'is for those whom the rule names; a call that asks for a forbidden one joins none',
    PATIENCE,
    async (part) => {
      const world = await aWorld()
      for (const [kind, { of, relations }] of part)
        for (const [who, relation, userId, target] of world.callers) {
          const client = world.clients.get(userId)!
          const topic = `${kind}:${await of(target, world)}`
          const own = `user:${userId}`
          const forbidden = { ok: false, error: { code: 'forbidden' } }
          const expected = relations.includes(relation) ? { ok: true } : forbidden
          // A user of many roles has both relations to what is its own.
          const isOwn = topic === own || (kind === 'coordinator' && target.coordinatorId === userId)
          const answer = await client.subscribe({ topics: [topic] })
          expect([topic, who, answer]).toMatchObject([topic, who, isOwn ? { ok: true } : expected])
          const left = { data: { topics: [] } }
          expect(await client.call('unsubscribe', { topics: [topic, own] })).toMatchObject(left)
          const wrong = [`${kind}:${randomUUID()}`, `payment:${randomUUID()}`, ...(answer.ok ? [] : [topic])]
          for (const one of wrong)
            for (const position of [{}, { after: 0 }])
              expect([one, who, await client.subscribe({ topics: [own, one], ...position })]).toMatchObject([
                one,
                who,
                forbidden,
              ])
          expect(await client.call('unsubscribe', { topics: wrong })).toMatchObject(left)
        }
    },
  )

  it('is guarded in every namespace', PATIENCE, async () => {
    const { server, usual, student, otherCoordinator, coordinator } = await aWorld()
    const namespaces = Object.keys(RULES).map((rule) => rule.slice(0, rule.indexOf('.')))
    for (const name of new Set([...namespaces, 'catalog'])) {
      // What is for operators only has no namespace of its own.
      const namespace = name === 'dead-letters' || name === 'rosters' ? '/live' : `/${name}`
      const topics = [`mentor:${usual.mentorId}`]
      for (const person of [student, otherCoordinator])
        expect(await (await connect(server, person, namespace)).subscribe({ topics })).toMatchObject({
          error: { code: 'forbidden' },
        })
      expect(
        await (
          await connect(server, coordinator, namespace)
        ).subscribe({ topics: [`coordinator:${coordinator.id}`] }),
      ).toMatchObject({ ok: true })
    }
  })
})
