import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aBadgeTeam, aDefinition, badgeIs, oneRule, quiet } from './support/badge-scene.ts'
import { done } from './support/catalog-scene.ts'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import { aServer, connect, type Client } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
const PATIENCE = { timeout: 180_000 }

let redis: RedisServer
beforeAll(async () => {
  if (withRedis && isPostgres) redis = await startRedis()
})
afterAll(() => redis?.stop())

const namesOf = ({ received }: Client, type: RegExp) =>
  received
    .filter(([name, { data }]) => type.test(name) && data?.topic !== 'badge.revoked')
    .map(([name]) => name)

describe.runIf(isPostgres && withRedis)('three nodes', () => {
  const threeNodes = async () => {
    const one = await aServer({ redisUrl: redis.url })
    const nodes = [one, await one.another(), await one.another()]
    const team = await aBadgeTeam(one)
    const bosses = await Promise.all(nodes.map((node) => connect(node, team.admin)))
    const mentors = await Promise.all(nodes.map((node) => connect(node, team.mentorUser)))
    for (const mentor of mentors) await mentor.subscribe({ topics: [`user:${team.mentorUser.id}`] })
    return { one, ...team, bosses, mentors }
  }

  it('S1.6 make a thousand awards of one badge to one mentor one badge', PATIENCE, async () => {
    const { one, boss, bosses, mentors, mentorId, mentorUser } = await threeNodes()
    const definitionId = await aDefinition(boss)
    const ids = [mentorId, mentorUser.id]
    const replies = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        bosses[index % bosses.length]!.socket.timeout(120_000).emitWithAck('badges.award', {
          definitionId,
          recipientId: ids[index % 2],
        }),
      ),
    )
    const refused = replies.filter(({ ok }) => !ok).map(({ error }) => `${error.code}: ${error.message}`)
    expect(refused).toEqual([])
    const first = replies.find(({ version }) => version === 1)
    expect(first).toMatchObject({ ok: true, state: 'earned' })
    const { id, data } = first
    const whole = { ok: true, id, data: { earnedAt: data.earnedAt, awardedById: data.awardedById } }
    for (const reply of replies) expect(reply).toMatchObject(whole)
    expect(new Set(replies.map(({ version }) => version)).size).toBe(1_000)

    await quiet(one)
    const count = async (name: string, text: string) => {
      const [row] = await one.database.sql.query<{ count: number }>({ name: `test_${name}`, text }, [id])
      return row!.count
    }
    const emitted = `from journal, jsonb_array_elements(events) as event where actor_type`
    expect([
      await count(
        'rows',
        `select count(*)::int from badge where definition_id = (select definition_id from badge where id = $1)`,
      ),
      await count(
        'earned',
        `select count(*)::int ${emitted} = 'badge' and actor_id = $1 and event ->> 'type' = 'badge.earned'`,
      ),
      await count(
        'notices',
        `select count(*)::int from notification where snapshot -> 'context' -> 'subject' ->> 'id' = $1`,
      ),
    ]).toEqual([1, 1, 1])

    // Whichever node the mentor is connected to.
    const marker = await done(boss, 'mentors.pause', { id: mentorId, reason: 'the last event' })
    for (const mentor of mentors) {
      await mentor.next('mentor.held', ({ position }) => position === marker.position)
      expect(namesOf(mentor, /^badge\.|^notification\.created$/)).toEqual([
        'badge.earned',
        'notification.created',
      ])
    }
  })

  it('and the evaluation award one badge, and take it back once', PATIENCE, async () => {
    const { one, boss, bosses, mentors, mentorId } = await threeNodes()
    const definitionId = await aDefinition(boss, { criteria: oneRule('activity_count', 10) })
    const of = { definitionId, recipientId: mentorId }
    const record = (index: number) =>
      done(bosses[index % bosses.length]!, 'badgeFacts.record', { recipientId: mentorId, kind: 'activity' })
    const facts = await Promise.all([
      ...Array.from({ length: 30 }, (_, index) => record(index)),
      ...bosses.map((client) => done(client, 'badges.award', of)),
    ])
    await quiet(one)
    const { live } = await badgeIs(boss, of, 'earned')
    expect(live).toHaveLength(1)
    expect(facts).toHaveLength(33)
    for (const mentor of mentors)
      await vi.waitFor(() => expect(namesOf(mentor, /^badge\./)).toEqual(['badge.earned']))

    // A badge of the evaluation, on whose criteria three nodes work for and against at the same time.
    const other = await aDefinition(boss, { criteria: oneRule('activity_count', 25) })
    await badgeIs(boss, { ...of, definitionId: other }, 'earned')
    await Promise.all(
      facts
        .slice(0, 20)
        .map(({ id }, index) =>
          done(bosses[index % bosses.length]!, 'badgeFacts.takeBack', { id, reason: 'no' }),
        ),
    )
    await quiet(one)
    const after = await badgeIs(boss, { ...of, definitionId: other }, 'revoked')
    expect([after.live.length, after.gone.length]).toEqual([0, 1])
    await Promise.all(Array.from({ length: 15 }, (_, index) => record(index)))
    await quiet(one)
    const again = await badgeIs(boss, { ...of, definitionId: other }, 'earned')
    expect([again.live.length, again.gone.length]).toEqual([1, 1])
  })
})
