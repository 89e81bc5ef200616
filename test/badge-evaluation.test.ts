import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { aBadgeTeam, aDefinition, badgeIs, oneRule, PATIENCE, quiet } from './support/badge-scene.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { days } from './support/clock.ts'
import { aServer, aTeam, aUser, connect, headOf, type TestServer } from './support/server.ts'

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

const award = (definitionId: string, recipientId = team.mentorId) =>
  team.boss.call('badges.award', { definitionId, recipientId })

describe('what somebody has done', () => {
  const record = (fact: object, recipientId = team.mentorId) =>
    done(team.boss, 'badgeFacts.record', { recipientId, kind: 'activity', ...fact })
  const mentorBadge = (definitionId: string, state: 'earned' | 'revoked' | 'absent') =>
    badgeIs(team.boss, { definitionId, recipientId: team.mentorId }, state)

  it('S1.12 earns a badge when it is enough, and loses it when it is no longer; done again, it is another badge', async () => {
    const { boss, mentor, mentorUser, mentorId } = team
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    const definitionId = await aDefinition(boss, { criteria: oneRule('activity_count', 3, 'visit') })
    await record({ of: 'visit', count: 2 })
    await record({ of: 'call', count: 5 })
    await quiet(server)
    await mentorBadge(definitionId, 'absent')

    const third = await record({ of: 'visit' })
    const { data } = await mentor.next('badge.earned')
    expect(data).toMatchObject({ definitionId, recipientId: mentorId, awardedBy: 'system' })
    const { live } = await mentorBadge(definitionId, 'earned')
    expect(live[0]!.view).toMatchObject({
      awardedById: null,
      evidence: { reached: [{ kind: 'activity_count', of: 'visit', value: 3, reached: 3 }] },
    })

    await done(boss, 'badgeFacts.takeBack', { id: third.id, reason: 'counted twice' })
    expect(await mentor.next('badge.revoked')).toMatchObject({ data: { reason: 'criteria_no_longer_met' } })
    await record({ of: 'visit', count: 4 })
    const again = await mentor.next('badge.earned', ({ actor }) => actor.id !== live[0]!.id)
    expect(again.data).toMatchObject({ definitionId })
    await quiet(server)
    expect(mentor.received.filter(([name]) => name === 'badge.earned')).toHaveLength(2)
  })

  it('is recorded once, whoever repeats it', async () => {
    const { boss } = team
    const definitionId = await aDefinition(boss, { criteria: oneRule('activity_count', 2) })
    const fact = { id: randomUUID(), recipientId: team.mentorId, kind: 'activity' }
    await done(boss, 'badgeFacts.record', fact)
    expect(await codeOf(boss, 'badgeFacts.record', fact)).toBe('already_exists')
    await quiet(server)
    await mentorBadge(definitionId, 'absent')
  })

  it('counts for badges that are activated later, and changed before anybody has earned them', async () => {
    const { boss } = team
    await record({ count: 4 })
    const soon = await aDefinition(boss, { criteria: oneRule('activity_count', 4) })
    const later = await aDefinition(boss, { criteria: oneRule('activity_count', 9) })
    await mentorBadge(soon, 'earned')
    await quiet(server)
    await mentorBadge(later, 'absent')
    await done(boss, 'badgeDefinitions.update', { id: later, ...oneRuleInTwoFields('activity_count', 4) })
    await mentorBadge(later, 'earned')
  })

  const oneRuleInTwoFields = (criteriaType: string, criteriaValue: number) => ({
    criteriaType,
    criteriaValue,
  })

  it('counts for all of the rules or for any, as the badge says', async () => {
    const { boss } = team
    const rules = [
      { kind: 'training_completion', value: 1, of: 'First aid' },
      { kind: 'recruiting_milestone', value: 2 },
    ]
    const all = await aDefinition(boss, { criteria: { match: 'all', rules } })
    const any = await aDefinition(boss, { criteria: { match: 'any', rules } })
    await record({ kind: 'training', of: 'First aid' })
    await mentorBadge(any, 'earned')
    await quiet(server)
    await mentorBadge(all, 'absent')
    await record({ kind: 'recruiting', count: 2 })
    await mentorBadge(all, 'earned')
  })

  it('is a streak of days in UTC, in whatever order they are told', async () => {
    const definitionId = await aDefinition(team.boss, { criteria: oneRule('streak_length', 3) })
    const noon = `${server.clock.at().slice(0, 10)}T12:00:00.000Z`
    const day = (ago: number) => new Date(Date.parse(noon) - days(ago)).toISOString()
    for (const ago of [4, 2, 6]) await record({ occurredAt: day(ago) })
    await quiet(server)
    await mentorBadge(definitionId, 'absent')
    await record({ occurredAt: day(3) })
    await mentorBadge(definitionId, 'earned')
  })

  it('badgekit-api #131 earns a repeatable badge once in each period, by what was done in it', async () => {
    const { boss, mentorId } = team
    const definitionId = await aDefinition(boss, {
      criteria: oneRule('activity_count', 2),
      repeatable: { period: 'month' },
    })
    const months = ['2026-03', '2026-04', '2026-05']
    const on = (month: string, day: string) => ({ occurredAt: `${month}-${day}T12:00:00.000Z` })
    const facts: { id: string }[] = []
    for (const month of months) facts.push(await record(on(month, '10')))
    await quiet(server)
    await mentorBadge(definitionId, 'absent')
    for (const month of months.slice(0, 2))
      facts.push(await record(on(month, '20')), await record(on(month, '21')))
    await quiet(server)
    const periods = async () => {
      const { data } = await done(boss, 'badges.list', { definitionId, recipientId: mentorId })
      return data.items.map(({ view }: { view: { period: string } }) => view.period).toSorted()
    }
    expect(await periods()).toEqual(['2026-03', '2026-04'])
    // What falls away in one period is missed in that one only.
    for (const index of [3, 4])
      await done(boss, 'badgeFacts.takeBack', { id: facts[index]!.id, reason: 'no' })
    await vi.waitFor(async () => expect(await periods()).toEqual(['2026-04']), PATIENCE)
    // By hand it is earned in the present period, once.
    const first = await award(definitionId)
    expect(first).toMatchObject({ version: 1, data: { period: server.clock.at().slice(0, 7) } })
    expect(await award(definitionId)).toMatchObject({ id: first.id })
  })

  it('takes nothing back that people have awarded, or that is not to be taken back', async () => {
    const { boss, orgId, mentorId } = team
    const byHand = await aDefinition(boss, { criteria: oneRule('activity_count', 1) })
    const inItsName = await aDefinition(boss, { criteria: oneRule('activity_count', 1) })
    const system = await connect(server, await aUser(server, ['system'], orgId))
    await done(system, 'badges.award', { definitionId: inItsName, recipientId: mentorId })
    const forGood = await aDefinition(boss, { criteria: oneRule('activity_count', 1), revocable: false })
    await award(byHand)
    const { id } = await record({})
    await mentorBadge(forGood, 'earned')
    await done(boss, 'badgeFacts.takeBack', { id, reason: 'not so' })
    await quiet(server)
    for (const definitionId of [byHand, inItsName, forGood]) await mentorBadge(definitionId, 'earned')
  })

  it('does not give back what an administrator took, and gives back what the system took', async () => {
    const { boss, orgId } = team
    const definitionId = await aDefinition(boss, { criteria: oneRule('activity_count', 1) })
    await record({})
    const { live } = await mentorBadge(definitionId, 'earned')
    const system = await connect(server, await aUser(server, ['system'], orgId))
    await done(system, 'badges.revoke', { id: live[0]!.id, reason: 'looked at again' })
    await record({})
    const second = await mentorBadge(definitionId, 'earned')
    await done(boss, 'badges.revoke', { id: second.live[0]!.id, reason: 'was not honest' })
    await record({})
    await quiet(server)
    await mentorBadge(definitionId, 'revoked')
    expect(await award(definitionId)).toMatchObject({ ok: true, version: 1 })
  })

  it('is said by administrators and the system only, of people who are here, and not of the future', async () => {
    const { boss, mentor, lead, mentorId } = team
    const fact = { recipientId: mentorId, kind: 'activity' }
    for (const client of [mentor, lead])
      expect(await codeOf(client, 'badgeFacts.record', fact)).toBe('forbidden')
    const elsewhere = await aTeam(server)
    await quiet(server)
    const before = await headOf(server)
    for (const recipientId of [elsewhere.mentorId, elsewhere.admin.id, randomUUID()])
      expect(await codeOf(boss, 'badgeFacts.record', { ...fact, recipientId })).toBe('not_found')
    for (const wrong of [
      { occurredAt: server.clock.at(days(1)) },
      { occurredAt: 'yesterday' },
      { kind: 'luck' },
      { count: 0 },
      { count: 10_001 },
      { count: 0.5 },
      { of: '' },
      { of: 'x'.repeat(101) },
      { recipientId: 'me' },
      { orgId: team.orgId },
    ])
      expect([wrong, await codeOf(boss, 'badgeFacts.record', { ...fact, ...wrong })]).toEqual([
        wrong,
        'invalid_input',
      ])
    expect(await headOf(server)).toBe(before)
  })

  it('is seen by whom it is about', async () => {
    const { boss, mentor, lead } = team
    await record({ count: 7 })
    await quiet(server)
    const own = (await done(mentor, 'achievements.list')).data.items
    expect(own).toMatchObject([{ view: { userId: team.mentorUser.id, activities: 7, longestStreakDays: 1 } }])
    expect(await codeOf(lead, 'achievements.get', { id: own[0].id })).toBe('not_found')
    expect(await codeOf(boss, 'achievements.get', { id: own[0].id })).toBe('ok')
    expect((await done(mentor, 'badgeFacts.list')).data.items).toHaveLength(1)
  })
})
