import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { aBadgeTeam, aDefinition, oneRule, PATIENCE, quiet } from './support/badge-scene.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { aServer, aTeam, headOf, type TestServer } from './support/server.ts'

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

describe('a definition', () => {
  it('S1.3 takes one rule in two fields, and many as criteria; never both, and never half', async () => {
    const { boss } = team
    const badge = { name: 'One rule', iconKey: 'star', description: 'x' }
    const one = { criteriaType: 'streak_length', criteriaValue: 7 }
    const { data } = await done(boss, 'badgeDefinitions.define', { ...badge, ...one })
    expect(data).toMatchObject({
      criteria: { match: 'all', rules: [{ kind: 'streak_length', value: 7 }] },
      criteriaText: 'An activity on at least 7 days in a row.',
      status: 'draft',
      repeatable: null,
      revocable: true,
      edition: 1,
    })
    await quiet(server)
    const position = await headOf(server)
    const rule = { kind: 'activity_count', value: 1 }
    const of = (...rules: object[]) => ({ criteria: { match: 'all', rules } })
    const wrong: object[] = [
      {},
      { criteriaType: 'streak_length' },
      { criteriaValue: 7 },
      { ...one, ...of(rule) },
      { criteriaType: 'luck', criteriaValue: 7 },
      ...[0, -1, 0.5, 1e9, '7', null].map((criteriaValue) => ({
        criteriaType: 'streak_length',
        criteriaValue,
      })),
      of(),
      of(...Array.from({ length: 11 }, () => rule)),
      of({ ...rule, bonus: 1 }),
      of({ kind: 'streak_length', value: 2, of: 'lesson' }),
      of({ ...rule, of: '' }),
      { criteria: { match: 'none', rules: [rule] } },
      { ...one, name: '' },
      { ...one, name: 'x'.repeat(101) },
      { ...one, name: 'two\nlines' },
      { ...one, iconKey: 'https://example.test/a.png' },
      { ...one, iconKey: '../star' },
      { ...one, description: ' ' },
      { ...one, description: 'x'.repeat(501) },
      { ...one, repeatable: { period: 'decade' } },
      { ...one, repeatable: 'month' },
      { ...one, revocable: 'yes' },
      { ...one, orgId: randomUUID() },
      { ...one, status: 'active' },
    ]
    for (const fields of wrong) {
      const payload = { ...badge, name: 'Wrong', ...fields }
      expect([fields, await codeOf(boss, 'badgeDefinitions.define', payload)]).toEqual([
        fields,
        'invalid_input',
      ])
    }
    expect(await headOf(server)).toBe(position)
  })

  it('S1.3 has a name of its own in its organisation, until it is archived', async () => {
    const { boss } = team
    const badge = { name: 'Early bird', activated: false }
    const id = await aDefinition(boss, badge)
    await expect(aDefinition(boss, badge)).rejects.toThrow('already_exists name')
    const other = await aDefinition(boss, { activated: false })
    expect(await codeOf(boss, 'badgeDefinitions.update', { id: other, name: 'Early bird' })).toBe(
      'already_exists',
    )
    await aDefinition((await aTeam(server)).adminClient, badge)
    await done(boss, 'badgeDefinitions.archive', { id })
    expect(await codeOf(boss, 'badgeDefinitions.update', { id: other, name: 'Early bird' })).toBe('ok')
  })

  it('that cannot be earned is awarded to nobody', async () => {
    const { boss, mentorId } = team
    const draft = await aDefinition(boss, { activated: false })
    const archived = await aDefinition(boss)
    await done(boss, 'badgeDefinitions.archive', { id: archived })
    for (const definitionId of [draft, archived])
      expect(await codeOf(boss, 'badges.award', { definitionId, recipientId: mentorId })).toBe('not_active')
    const strange = await aDefinition((await aTeam(server)).adminClient)
    for (const definitionId of [strange, randomUUID()])
      expect(await award(definitionId)).toMatchObject({
        error: { code: 'not_found', message: 'definitionId: no such badge' },
      })
    const definitionId = await aDefinition(boss)
    const elsewhere = await aTeam(server)
    for (const recipientId of [elsewhere.mentorId, elsewhere.admin.id, randomUUID()])
      expect(await award(definitionId, recipientId)).toMatchObject({
        error: { code: 'not_found', message: 'recipientId: no such mentor or user' },
      })
  })

  it('is locked by its first award; its next edition takes over its name, and nothing that was earned changes', async () => {
    const { boss, mentor, mentorId, mentorUser } = team
    await mentor.subscribe({ topics: [`user:${mentorUser.id}`] })
    const name = `Guide ${randomUUID()}`
    const definitionId = await aDefinition(boss, { name })
    expect(await codeOf(boss, 'badgeDefinitions.revise', { predecessorId: definitionId })).toBe('not_locked')
    const { id: badgeId } = await award(definitionId)
    await vi.waitFor(async () => {
      expect(await codeOf(boss, 'badgeDefinitions.update', { id: definitionId, name: 'Other' })).toBe(
        'locked',
      )
    }, PATIENCE)
    await done(boss, 'badgeDefinitions.update', { id: definitionId, iconKey: 'lamp' })
    // A name that is another's would be refused when it is too late to go back.
    const taken = `Taken ${randomUUID()}`
    await aDefinition(boss, { name: taken })
    expect(await codeOf(boss, 'badgeDefinitions.revise', { predecessorId: definitionId, name: taken })).toBe(
      'already_exists',
    )

    const next = await done(boss, 'badgeDefinitions.revise', {
      predecessorId: definitionId,
      criteria: oneRule('activity_count', 3),
    })
    expect(next).toMatchObject({
      state: 'draft',
      data: { name, edition: 2, predecessorId: definitionId, iconKey: 'lamp' },
    })
    expect(await codeOf(boss, 'badgeDefinitions.revise', { predecessorId: definitionId })).toBe(
      'already_exists',
    )
    expect(await codeOf(boss, 'badgeDefinitions.update', { id: next.id, name: taken })).toBe('already_exists')
    // Until it takes over, the one before it is the one that is earned.
    expect(await award(definitionId, team.admin.id)).toMatchObject({ ok: true })
    await done(boss, 'badgeDefinitions.activate', { id: next.id })
    await vi.waitFor(async () => {
      expect(await done(boss, 'badgeDefinitions.get', { id: next.id })).toMatchObject({ state: 'active' })
    }, PATIENCE)
    expect(await done(boss, 'badgeDefinitions.get', { id: definitionId })).toMatchObject({
      state: 'archived',
    })
    expect(await codeOf(boss, 'badges.award', { definitionId, recipientId: mentorId })).toBe('not_active')
    expect(await done(mentor, 'badges.get', { id: badgeId })).toMatchObject({
      state: 'earned',
      data: { name },
    })
    // Another edition is another badge.
    expect(await award(next.id)).toMatchObject({ ok: true, version: 1 })
    await expect(aDefinition(boss, { name })).rejects.toThrow('already_exists')
  })

  it('is seen by everybody while it can be earned, and changed by administrators only', async () => {
    const { boss, mentor, lead } = team
    const id = await aDefinition(boss, { activated: false })
    for (const client of [mentor, lead]) {
      expect(await codeOf(client, 'badgeDefinitions.get', { id })).toBe('not_found')
      expect(await codeOf(client, 'badgeDefinitions.activate', { id })).toBe('not_found')
      expect(
        await codeOf(client, 'badgeDefinitions.define', {
          name: 'x',
          iconKey: 'x',
          description: 'x',
          criteria: oneRule('activity_count', 1),
        }),
      ).toBe('forbidden')
    }
    await done(boss, 'badgeDefinitions.activate', { id })
    await mentor.subscribe({ topics: [`badgeDefinition:${id}`] })
    for (const client of [mentor, lead]) {
      expect(await codeOf(client, 'badgeDefinitions.get', { id })).toBe('ok')
      expect(await codeOf(client, 'badgeDefinitions.archive', { id })).toBe('forbidden')
    }
    expect(await codeOf((await aTeam(server)).adminClient, 'badgeDefinitions.get', { id })).toBe('not_found')
    await done(boss, 'badgeDefinitions.archive', { id })
    await mentor.next('topic.closed', ({ topic }) => topic === `badgeDefinition:${id}`)
    expect(await codeOf(mentor, 'badgeDefinitions.get', { id })).toBe('not_found')
  })
})
