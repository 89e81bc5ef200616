import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { days } from './support/clock.ts'
import { http } from './support/http.ts'
import { aServer, aTeam, aUser, connect, type Client, type TestServer } from './support/server.ts'

/** The rows of certification-management-service, one test each, through the socket (those that name a route: HTTP). */

const MINUTE = 60_000
let server: TestServer
let team: Awaited<ReturnType<typeof aTeam>>
let coordinator: Client
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  team = await aTeam(server)
  coordinator = await connect(server, team.coordinator)
})

const issue = async (fields: object = {}) => {
  const issued = await coordinator.call('certifications.issue', {
    mentorId: team.mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(-days(1)),
    expiresAt: server.clock.at(days(200)),
    ...fields,
  })
  expect(issued).toMatchObject({ ok: true })
  return issued
}

const mentor = async () => (await coordinator.call('mentors.get', { id: team.mentorId })).data

describe('the life of a certification', () => {
  it('S0.1 goes through one actor, whose journal holds every transition', async () => {
    const { id } = await issue({ expiresAt: server.clock.at(MINUTE) })
    await coordinator.subscribe({ topics: [`certification:${id}`] })
    server.clock.advance(2 * MINUTE)
    await coordinator.next('certification.expired')
    await coordinator.call('certifications.renew', {
      id,
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(90)),
    })
    const { items } = (await coordinator.call('certifications.journal', { id })).data
    expect(items.map(({ type, from, to }: Record<string, string>) => [type, from, to])).toEqual([
      ['issue', null, 'expiringSoon'],
      ['expiry', 'expiringSoon', 'expired'],
      ['renew', 'expired', 'valid'],
    ])
  })

  it('S0.2 needs no other service: what it tells others waits in the database', async () => {
    await issue({ expiresAt: server.clock.at(MINUTE) })
    server.clock.advance(2 * MINUTE)
    await expect.poll(async () => (await mentor()).holds.length).toBe(1)
  })

  it('S0.3 shows mentor, dates, type, status and the history of renewals', async () => {
    const { id, data } = await issue()
    expect(data).toMatchObject({
      id,
      mentorId: team.mentorId,
      certType: 'first_aid',
      issuedAt: expect.any(String),
      expiresAt: expect.any(String),
      status: 'valid',
      renewals: [],
      renewalCount: 0,
    })
  })

  it('S0.4 knows two nouns, the certification and the mentor', async () => {
    const { id } = await issue()
    await expect
      .poll(async () =>
        (await mentor()).certifications.map((one: { certificationId: string }) => one.certificationId),
      )
      .toEqual([id])
  })

  it('S0.5 begins with issue and expiry dates and a type, each of which is needed', async () => {
    const fields = {
      mentorId: team.mentorId,
      certType: 'x',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(1)),
    }
    for (const missing of Object.keys(fields)) {
      const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => name !== missing))
      expect(await coordinator.call('certifications.issue', rest)).toMatchObject({
        error: { code: 'invalid_input' },
      })
    }
    expect(await coordinator.call('certifications.issue', fields)).toMatchObject({ ok: true })
  })

  it('S0.6 renewals append to the history, oldest first, in the same turn as the new dates', async () => {
    const { id, data } = await issue()
    const dates = [200, 300, 400].map((count) => server.clock.at(days(count)))
    for (const expiresAt of dates)
      await coordinator.call('certifications.renew', {
        id,
        issuedAt: data.issuedAt,
        expiresAt,
        notes: 'seen',
      })
    const { data: renewed, version } = await coordinator.call('certifications.get', { id })
    expect(version).toBe(4)
    expect(renewed.expiresAt).toBe(dates[2])
    expect(renewed.renewals.map((one: { previousExpiresAt: string }) => one.previousExpiresAt)).toEqual([
      data.expiresAt,
      dates[0],
      dates[1],
    ])
    expect(renewed.renewals[0]).toMatchObject({ renewedBy: team.coordinator.id, notes: 'seen' })
  })

  it('S0.7 no SQL and no database outside of persistence', async () => {
    for (const folder of ['contracts', 'machines', 'actors', 'actors/engine'])
      for (const name of (await readdir(folder)).filter((file) => file.endsWith('.ts'))) {
        const text = await readFile(`${folder}/${name}`, 'utf8')
        expect(text, `${folder}/${name}`).not.toMatch(
          /\b(select .+ from|insert into|update .+ set|delete from)\b/,
        )
        expect(text, `${folder}/${name}`).not.toMatch(/from '(@mikro-orm|pg|\.\.\/(\.\.\/)?persistence)/)
      }
  })
})

describe('where a mentor stands', () => {
  it('S0.8 follows from the dates, in the socket, in REST and in what subscribers start from', async () => {
    const { id } = await issue({ expiresAt: server.clock.at(MINUTE) })
    const asCoordinator = http(server, team.coordinator)
    const everywhere = async () => [
      (await coordinator.call('certifications.status', { mentorId: team.mentorId })).data.status,
      (await coordinator.call('certifications.get', { id })).data.status,
      (await asCoordinator('GET', `/api/v1/certifications/${id}/status`)).body.data.status.replace('-', '_'),
      (
        (await coordinator
          .subscribe({ topics: [`certification:${id}`] })
          .then((reply) => (reply.ok ? reply.data.topics[0]!.snapshot[0]!.view : {}))) as { status: string }
      ).status,
    ]
    expect(await everywhere()).toEqual(['expiring_soon', 'expiring_soon', 'expiring_soon', 'expiring_soon'])
    server.clock.advance(2 * MINUTE)
    await coordinator.next('certification.expired', ({ actor }) => actor.id === id)
    expect(await everywhere()).toEqual(['expired', 'expired', 'expired', 'expired'])
  })

  it('S0.9 the coordinator sees who expires within so many days, the earliest first, and nobody else’s', async () => {
    const soon = await issue({ expiresAt: server.clock.at(days(5)) })
    const sooner = await issue({ certType: 'other', expiresAt: server.clock.at(days(3)) })
    await issue({ certType: 'later', expiresAt: server.clock.at(days(50)) })
    const within = (client: Client) => client.call('certifications.expiring', { withinDays: 10 })
    expect((await within(coordinator)).data.items.map(({ id }: { id: string }) => id)).toEqual([
      sooner.id,
      soon.id,
    ])
    const other = await connect(server, await aUser(server, ['coordinator'], team.orgId))
    expect((await within(other)).data.items).toEqual([])
  })

  it('S0.11 C5 an expiry holds the mentor by a message that is committed with it', async () => {
    const { id } = await issue({ expiresAt: server.clock.at(MINUTE) })
    await coordinator.subscribe({ topics: [`mentor:${team.mentorId}`] })
    server.clock.advance(2 * MINUTE)
    const held = await coordinator.next('mentor.held')
    expect(held).toMatchObject({
      cause: { signal: 'certification.standingChanged' },
      data: { hold: 'certification' },
    })
    expect(held.position).toBeGreaterThan((await coordinator.next('certification.expired')).position)
    expect(id).toBeTruthy()
  })

  it('S0.20 S0.21 says the same wherever it is asked, after each step of a life', async () => {
    const { id } = await issue()
    const asAdmin = http(server, team.admin)
    const steps = [
      ['suspend', { reason: 'audit' }],
      ['reinstate', {}],
      ['renew', { issuedAt: server.clock.at(), expiresAt: server.clock.at(days(300)) }],
      ['revoke', { reason: 'fraud' }],
    ] as const
    for (const [command, fields] of steps) {
      const { data } = await team.adminClient.call(`certifications.${command}`, { id, ...fields })
      expect((await team.adminClient.call('certifications.get', { id })).data).toEqual(data)
      expect((await asAdmin('GET', `/api/v1/certifications/${id}`)).body.data.view).toEqual(data)
      const { items } = (await team.adminClient.call('certifications.list', { mentorId: team.mentorId })).data
      expect(items.map(({ view }: { view: unknown }) => view)).toEqual([data])
    }
  })

  it('S0.22 the mentor sees their own and may change nothing; others see nothing', async () => {
    const { id } = await issue()
    const own = await connect(server, team.mentorUser)
    expect(await own.call('certifications.get', { id })).toMatchObject({ ok: true, allowed: [] })
    expect(await own.call('certifications.suspend', { id, reason: 'x' })).toMatchObject({
      error: { code: 'forbidden' },
    })
    const stranger = await connect(server, await aUser(server, ['peer_mentor'], team.orgId))
    expect(await stranger.call('certifications.get', { id })).toMatchObject({ error: { code: 'not_found' } })
  })
})

describe('thresholds and holds', () => {
  it.each([
    [61, 'valid', 60],
    [31, 'valid', 30],
    [15, 'expiring_soon', 14],
    [8, 'expiring_soon', 7],
  ])(
    'S0.23 issued %i days before its expiry it is %s, and the next reminder is %i days before',
    async (left, status, next) => {
      const { id, data } = await issue({ expiresAt: server.clock.at(days(left)) })
      expect(data.status).toBe(status)
      const [timer] = await server.database.sql.query<{ dueAt: string }>(
        {
          name: `reminder_of_${left}`,
          text: `select due_at as "dueAt" from timer where actor_id = $1 and name like 'xstate.after.reminder.%'`,
        },
        [id],
      )
      expect(new Date(timer!.dueAt).getTime()).toBe(Date.parse(data.expiresAt) - days(next))
    },
  )

  it('S0.24 a renewal lifts the hold of an expiry, and no other', async () => {
    const { id } = await issue({ expiresAt: server.clock.at(MINUTE) })
    await coordinator.call('mentors.pause', { id: team.mentorId, reason: 'on leave' })
    server.clock.advance(2 * MINUTE)
    await expect.poll(async () => (await mentor()).holds.length).toBe(2)
    expect((await mentor()).holds).toContainEqual(
      expect.objectContaining({ reason: 'certification_expired' }),
    )
    expect(await coordinator.call('mentors.resume', { id: team.mentorId })).toMatchObject({
      error: { code: 'certificate_invalid' },
    })
    await coordinator.call('certifications.renew', {
      id,
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(90)),
    })
    await expect.poll(async () => (await mentor()).holds.length).toBe(1)
    expect(await mentor()).toMatchObject({ active: false, holds: [{ reason: 'on leave' }] })
  })

  it('S0.25 nobody is processed twice after a restart, and a dry run says counts only', async () => {
    const { id } = await issue({ expiresAt: server.clock.at(MINUTE) })
    const forecast = () => coordinator.call('certifications.forecast', { withinDays: 1 })
    expect(await forecast()).toMatchObject({ data: { expiring: 1, expired: 0 } })
    expect((await coordinator.call('certifications.get', { id })).version).toBe(1)
    server.clock.advance(2 * MINUTE)
    await expect.poll(async () => (await mentor()).holds.length).toBe(1)
    server = await server.restart()
    coordinator = await connect(server, team.coordinator)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await coordinator.call('certifications.journal', { id })).data.items).toHaveLength(2)
    expect((await mentor()).holds).toHaveLength(1)
    expect(await forecast()).toMatchObject({ data: { expiring: 0, expired: 1 } })
  })

  it('C9 what was revoked keeps its record and its history', async () => {
    const { id } = await issue()
    await team.adminClient.call('certifications.revoke', { id, reason: 'entered twice' })
    expect(await coordinator.call('certifications.get', { id })).toMatchObject({
      data: { status: 'revoked' },
    })
    expect((await coordinator.call('certifications.journal', { id })).data.items).toHaveLength(2)
  })
})
