import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { actors } from '../actors/registry.ts'
import { aBadgeTeam, aDefinition, badgeIs, oneRule, PATIENCE, quiet } from './support/badge-scene.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { aServer, aTeam, aUser, connect, type TestServer } from './support/server.ts'

let server: TestServer
let team: Awaited<ReturnType<typeof aBadgeTeam>>
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  team = await aBadgeTeam(server)
})

const rows = async (definitionId: string) => {
  const [row] = await server.database.sql.query<{ count: number }>(
    { name: 'test_badges', text: 'select count(*)::int from badge where definition_id = $1' },
    [definitionId],
  )
  return row!.count
}

const award = (definitionId: string, recipientId = team.mentorId, others: object = {}) =>
  team.boss.call('badges.award', { definitionId, recipientId, ...others })

describe('an award', () => {
  it('S1.1 S1.2 S1.5 S1.10 is earned, is pushed to whom it concerns, and notifies the mentor once', async () => {
    const { boss, mentor, lead, mentorUser, coordinator, orgId, mentorId, admin } = team
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    await lead.subscribe({ topics: [`coordinator:${coordinator.id}`, `mentor:${mentorId}`] })
    await boss.subscribe({ topics: [`org:${orgId}`] })
    const definitionId = await aDefinition(boss, {
      name: 'Good listener',
      criteria: oneRule('activity_count', 5),
    })

    const before = server.clock.at()
    const first = await award(definitionId, mentorId, { evidence: { note: 'Seen by the coordinator' } })
    expect(first).toMatchObject({ ok: true, state: 'earned', version: 1, allowed: ['revoke'] })
    expect(first.data).toEqual({
      id: first.id,
      definitionId,
      recipientId: mentorId,
      recipientUserId: mentorUser.id,
      coordinatorId: coordinator.id,
      name: 'Good listener',
      description: 'For those who help',
      iconKey: 'star',
      criteria: 'At least 5 activities.',
      period: '',
      earnedAt: expect.any(String) as unknown,
      awardedBy: 'admin',
      awardedById: admin.id,
      evidence: { note: 'Seen by the coordinator' },
      notifiedAt: null,
      revokedAt: null,
      revokeReason: null,
      shown: true,
    })
    expect(first.data.earnedAt >= before && first.data.earnedAt <= server.clock.at()).toBe(true)

    const isIts = ({ actor }: { actor: { id: string } }) => actor.id === first.id
    for (const client of [mentor, lead, boss])
      expect(await client.next('badge.earned', isIts)).toMatchObject({
        position: first.position,
        data: { definitionId, recipientId: mentorId, awardedBy: 'admin' },
      })
    const notice = await mentor.next('notification.created', ({ view }) => view.subject.id === first.id)
    expect(notice).toMatchObject({
      data: { topic: 'badge.earned', text: 'You have earned the badge “Good listener”.' },
      view: { recipientId: mentorUser.id, subject: { actor: 'badge' }, status: 'unread' },
    })
    // The answer had gone out before that.
    expect(notice.position).toBeGreaterThan(first.position)
    await vi.waitFor(async () => {
      const { data } = await done(mentor, 'badges.get', { id: first.id })
      expect(data.notifiedAt).toEqual(expect.any(String))
    }, PATIENCE)
    expect(await done(boss, 'badgeDefinitions.get', { id: definitionId })).toMatchObject({ state: 'locked' })
  })

  it('S1.6 S1.20 that is made again is the first one: no event, no notification, no other row', async () => {
    const { boss, mentor, mentorUser, mentorId, orgId } = team
    const definitionId = await aDefinition(boss)
    const first = await award(definitionId)
    await quiet(server)
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    await boss.subscribe({ topics: [`org:${orgId}`] })
    // By the user's id, too, and by whoever else may.
    const system = await connect(server, await aUser(server, ['system'], orgId))
    for (const again of [
      await award(definitionId),
      await award(definitionId, mentorUser.id),
      await system.call('badges.award', { definitionId, recipientId: mentorId }),
    ]) {
      expect(again).toMatchObject({ ok: true, id: first.id, state: 'earned' })
      expect(again.data).toMatchObject({ earnedAt: first.data.earnedAt, awardedBy: 'admin' })
    }
    const marker = await done(boss, 'mentors.pause', { id: mentorId, reason: 'the last event' })
    for (const client of [boss, mentor])
      await client.next('mentor.held', ({ position }) => position === marker.position)
    const heard = [...boss.received, ...mentor.received].map(([name]) => name)
    expect(heard.filter((name) => /^(badge|notification)\./.test(name))).toEqual([])
    expect(await rows(definitionId)).toBe(1)
  })

  it('S1.6 that many make at the same moment is one', async () => {
    const definitionId = await aDefinition(team.boss)
    const replies = await Promise.all(Array.from({ length: 50 }, () => award(definitionId)))
    expect(new Set(replies.map(({ ok, id }) => `${ok} ${id}`)).size).toBe(1)
    expect(await rows(definitionId)).toBe(1)
  })

  it('S1.7 cannot be there twice, whatever anybody writes', async () => {
    const definitionId = await aDefinition(team.boss)
    await award(definitionId)
    const columns = (
      await server.database.sql.query<{ name: string }>({
        name: 'test_badge_columns',
        text: `select attname as name from pg_attribute where attrelid = 'badge'::regclass and attnum > 0
          and not attisdropped and attgenerated = '' and attname not in ('id', 'status_entry')`,
      })
    ).map(({ name }) => `"${name}"`)
    const copyWith = (ordinal: string) =>
      server.database.sql.query(
        {
          name: `test_copy_${ordinal.length}`,
          text: `insert into badge (id, ${columns.join(', ')}) select gen_random_uuid(), ${columns
            .map((name) => (name === '"ordinal"' ? ordinal : name))
            .join(', ')} from badge where definition_id = $1`,
        },
        [definitionId],
      )
    await expect(copyWith('ordinal')).rejects.toThrow(/badge_(live|ordinal)/)
    await expect(copyWith('ordinal + 1')).rejects.toThrow(/badge_live/)
    expect(await rows(definitionId)).toBe(1)
  })

  it('gets a number of its own for the status lists', async () => {
    const definitionId = await aDefinition(team.boss)
    await award(definitionId)
    await award(definitionId, team.admin.id)
    const entries = await server.database.sql.query<{ entry: number }>(
      { name: 'test_entries', text: 'select status_entry::int as entry from badge where definition_id = $1' },
      [definitionId],
    )
    expect(new Set(entries.map(({ entry }) => entry)).size).toBe(2)
  })

  it('S1.8 is known to hasEarned, by either id of the person, to whom it may be known', async () => {
    const { boss, mentor, lead, mentorId, mentorUser, orgId } = team
    const definitionId = await aDefinition(boss)
    const asked = (client: typeof boss, recipientId: string) =>
      done(client, 'badges.hasEarned', { definitionId, recipientId }).then(({ data }) => data)
    expect(await asked(boss, mentorId)).toEqual({ earned: false, badgeId: null })
    const { id } = await award(definitionId)
    for (const client of [boss, lead, mentor])
      for (const recipientId of [mentorId, mentorUser.id])
        expect(await asked(client, recipientId)).toEqual({ earned: true, badgeId: id })
    const other = await connect(server, await aUser(server, ['peer_mentor'], orgId))
    const stranger = (await aTeam(server)).adminClient
    for (const client of [other, stranger])
      expect(await asked(client, mentorId)).toEqual({ earned: false, badgeId: null })
    await done(boss, 'badges.revoke', { id, reason: 'by mistake' })
    expect(await asked(boss, mentorId)).toEqual({ earned: false, badgeId: null })
  })

  it('S1.9 C9 is listed page by page, filtered, by when it was earned; revoked ones when asked for', async () => {
    const { boss, mentorId, mentorUser, admin } = team
    const definitions = await Promise.all(Array.from({ length: 5 }, () => aDefinition(boss)))
    const ids: string[] = []
    for (const definitionId of definitions) {
      ids.push((await award(definitionId)).id)
      server.clock.advance(5)
    }
    await award(definitions[0]!, admin.id)
    const list = async (filter: object) => (await done(boss, 'badges.list', filter)).data
    const idsOf = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id)
    const first = await list({ recipientId: mentorId, limit: 2 })
    const second = await list({ recipientId: mentorId, limit: 2, after: first.next })
    const third = await list({ recipientId: mentorId, limit: 2, after: second.next })
    expect([first, second, third].flatMap(idsOf)).toEqual(ids)
    expect(third.next).toBeUndefined()
    expect(idsOf(await list({ recipientId: mentorUser.id }))).toEqual(ids)
    expect(idsOf(await list({ definitionId: definitions[0] }))).toHaveLength(2)
    await done(boss, 'badges.revoke', { id: ids[0]!, reason: 'by mistake' })
    expect(idsOf(await list({ recipientId: mentorId }))).toEqual(ids.slice(1))
    expect(idsOf(await list({ recipientId: mentorId, revoked: true }))).toEqual(ids.slice(0, 1))
    for (const filter of [
      { limit: 201 },
      { limit: 0 },
      { recipientId: 'me' },
      { revoked: 'maybe' },
      { name: 'x' },
    ])
      expect(await codeOf(boss, 'badges.list', filter)).toBe('invalid_input')
    expect((await list({ after: 'x' })).items).toEqual([])
  })

  it('S1.11 S1.20 stands although its notification cannot be made', async () => {
    const without = await aServer({
      // A delivery is a notification's.
      definitions: actors.filter(({ contract }) => !['notification', 'delivery'].includes(contract.actor)),
    })
    const own = await aBadgeTeam(without)
    await own.mentor.subscribe({ topics: [`user:${own.mentorUser.id}`] })
    const definitionId = await aDefinition(own.boss)
    const { id } = await done(own.boss, 'badges.award', { definitionId, recipientId: own.mentorId })
    expect(await own.mentor.next('badge.earned')).toMatchObject({ actor: { id } })
    const operator = await connect(without, own.admin, '/admin')
    await vi.waitFor(async () => {
      const { data } = await done(operator, 'dead-letters.list')
      expect(data.items).toMatchObject([{ view: { name: 'create' } }])
    }, PATIENCE)
    expect(await done(own.mentor, 'badges.get', { id })).toMatchObject({
      state: 'earned',
      data: { notifiedAt: null },
    })
  })

  it('S1.21 is pushed to the mentor with its commit, each one', async () => {
    const { boss, mentor, mentorUser } = team
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    for (let round = 0; round < 5; round++) {
      const definitionId = await aDefinition(boss)
      const answer = await award(definitionId)
      const pushed = await mentor.next('badge.earned', ({ data }) => data.definitionId === definitionId)
      expect(pushed.position).toBe(answer.position)
    }
  })

  it('S1.4 of somebody who is no mentor is the user’s', async () => {
    const learner = await aUser(server, ['student'], team.orgId)
    const { data } = await award(await aDefinition(team.boss), learner.id)
    expect(data).toMatchObject({ recipientId: learner.id, recipientUserId: learner.id, coordinatorId: null })
    const own = await connect(server, learner)
    expect((await done(own, 'badges.list')).data.items).toHaveLength(1)
  })

  it('of a learner who becomes a mentor later is not made twice', async () => {
    const learner = await aUser(server, ['student', 'peer_mentor'], team.orgId)
    const definitionId = await aDefinition(team.boss)
    const { id } = await award(definitionId, learner.id)
    const mentor = await done(team.boss, 'mentors.register', {
      userId: learner.id,
      coordinatorId: team.coordinator.id,
    })
    expect(await award(definitionId, mentor.id)).toMatchObject({ ok: true, id })
    expect(await rows(definitionId)).toBe(1)
  })

  it('goes to another coordinator with its mentor, and leaves the one before', async () => {
    const { boss, lead, mentorId, orgId, coordinator } = team
    const next = await aUser(server, ['coordinator'], orgId)
    const other = await connect(server, next)
    const { id } = await award(await aDefinition(boss))
    expect(await done(lead, 'badges.get', { id })).toMatchObject({ ok: true })
    await quiet(server)
    await lead.subscribe({ topics: [`badge:${id}`, `coordinator:${coordinator.id}`] })
    await done(boss, 'mentors.reassign', { id: mentorId, coordinatorId: next.id })
    await lead.next('badge.reassigned', ({ data }) => data.coordinatorId === next.id)
    await lead.next('topic.closed', ({ topic }) => topic === `badge:${id}`)
    expect(await codeOf(lead, 'badges.get', { id })).toBe('not_found')
    expect(await done(other, 'badges.get', { id })).toMatchObject({ data: { coordinatorId: next.id } })
  })

  it('that comes while its mentor changes hands ends with the new coordinator', async () => {
    const { boss, mentorId, orgId } = team
    const next = await aUser(server, ['coordinator'], orgId)
    const definitions = await Promise.all(Array.from({ length: 10 }, () => aDefinition(boss)))
    await Promise.all([
      ...definitions.slice(0, 5).map((id) => award(id)),
      done(boss, 'mentors.reassign', { id: mentorId, coordinatorId: next.id }),
      ...definitions.slice(5).map((id) => award(id)),
    ])
    await vi.waitFor(async () => {
      const { data } = await done(boss, 'badges.list', { recipientId: mentorId })
      expect(data.items).toHaveLength(10)
      for (const { view } of data.items) expect(view.coordinatorId).toBe(next.id)
    }, PATIENCE)
  })
})

describe('a revocation', () => {
  it('S1.12 C10 tells whom it concerns, and leaves room for another badge', async () => {
    const { boss, mentor, mentorUser, mentorId } = team
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    const definitionId = await aDefinition(boss)
    const first = await award(definitionId)
    const gone = await done(boss, 'badges.revoke', { id: first.id, reason: 'by mistake' })
    expect(gone).toMatchObject({ state: 'revoked', data: { revokeReason: 'by mistake' } })
    expect(await mentor.next('badge.revoked')).toMatchObject({ data: { reason: 'by mistake' } })
    await mentor.next('notification.created', ({ data }) => data.topic === 'badge.revoked')
    expect(await codeOf(boss, 'badges.revoke', { id: first.id, reason: 'again' })).toBe(
      'not_allowed_in_state',
    )

    const second = await award(definitionId)
    expect(second).toMatchObject({ ok: true, version: 1, state: 'earned' })
    expect(second.id).not.toBe(first.id)
    await mentor.next('badge.earned', ({ actor }) => actor.id === second.id)
    expect(await rows(definitionId)).toBe(2)
    const both = await badgeIs(boss, { definitionId, recipientId: mentorId }, 'earned')
    expect([both.live.length, both.gone.length]).toEqual([1, 1])
  })

  it('does not let an award through that was answered before it', async () => {
    const { boss } = team
    const definitionId = await aDefinition(boss)
    const commandIds = [randomUUID(), randomUUID()]
    const [first, found] = [
      await award(definitionId, undefined, { commandId: commandIds[0] }),
      await award(definitionId, undefined, { commandId: commandIds[1] }),
    ]
    expect(found.id).toBe(first.id)
    await done(boss, 'badges.revoke', { id: first.id, reason: 'by mistake' })
    // Both are repetitions, whose first answers were about the one that is revoked.
    for (const [index, answer] of [first, found].entries())
      expect(await award(definitionId, undefined, { commandId: commandIds[index] })).toEqual(answer)
    expect(await rows(definitionId)).toBe(1)
  })

  it('S1.13 S1.14 C30 is for administrators and the system: nobody else, least of all the mentor', async () => {
    const { boss, mentor, lead, orgId } = team
    const definitionId = await aDefinition(boss)
    const { id } = await award(definitionId)
    const csm = await connect(server, await aUser(server, ['csm'], orgId))
    for (const client of [mentor, lead, csm])
      expect(await codeOf(client, 'badges.revoke', { id, reason: 'x' })).toBe('forbidden')
    const other = await connect(server, await aUser(server, ['peer_mentor'], orgId))
    const elsewhere = await aTeam(server)
    const strangeSystem = await connect(server, await aUser(server, ['system'], elsewhere.orgId))
    for (const client of [other, elsewhere.adminClient, strangeSystem])
      expect(await codeOf(client, 'badges.revoke', { id, reason: 'x' })).toBe('not_found')
    expect(await done(boss, 'badges.get', { id })).toMatchObject({ version: 2, state: 'earned' })
    const system = await connect(server, await aUser(server, ['system'], orgId))
    expect(await done(system, 'badges.revoke', { id, reason: 'x' })).toMatchObject({ state: 'revoked' })
  })
})

describe('the recipient', () => {
  it('STATECHARTS 2.6 hides a badge and shows it again, and nobody else does', async () => {
    const { boss, mentor, lead } = team
    const { id } = await award(await aDefinition(boss))
    expect(await codeOf(mentor, 'badges.accept', { id })).toBe('already_shown')
    expect(await done(mentor, 'badges.decline', { id })).toMatchObject({
      state: 'earned',
      data: { shown: false },
    })
    expect(await codeOf(mentor, 'badges.decline', { id })).toBe('already_hidden')
    for (const client of [boss, lead])
      for (const name of ['badges.accept', 'badges.decline'])
        expect(await codeOf(client, name, { id })).toBe('forbidden')
    expect(await done(mentor, 'badges.accept', { id })).toMatchObject({ data: { shown: true } })
  })
})
