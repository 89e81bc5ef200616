import { randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Role } from '../actors/actor.ts'
import type { CertificationInput } from '../machines/certification.ts'
import { aDeadLetter, madeBySystem } from './support/by-system.ts'
import { days } from './support/clock.ts'
import { http, outcomeOf, type Http } from './support/http.ts'
import {
  anOrganisation,
  aServer,
  aTeam,
  aUser,
  connect,
  type Client,
  type Person,
  type TestServer,
} from './support/server.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
const PATIENCE = { timeout: 300_000 }

const SEALED = `v1.test.${'A'.repeat(60)}`

/** A certification whose mentor does not exist: that the mentor is told of it fails for good. */
const aFailingEffect = async (server: TestServer, orgId: string) => {
  const mentorId = randomUUID()
  const issuedAt = server.clock.at()
  const input: Omit<CertificationInput, 'id' | 'at'> = {
    orgId,
    mentorId,
    mentorUserId: randomUUID(),
    coordinatorId: randomUUID(),
    certType: 'first_aid',
    issuedAt,
    expiresAt: server.clock.at(days(100)),
    policy: { expiringWindowDays: 30, reminderDays: [] },
    import: false,
  }
  const owner = { type: 'certification', id: randomUUID() }
  await madeBySystem(server, owner, input)
  return { owner, mentorId }
}

const isOf =
  ({ owner }: { owner: { id: string } }) =>
  ({ data }: { data: { owner: { id: string } } }) =>
    data.owner.id === owner.id

const effectsOf = async ({ database }: TestServer, actorId: string) => {
  const rows = await database.sql.query<{ status: string }>(
    { name: 'effects_of', text: 'select status from effect where actor_id = $1' },
    [actorId],
  )
  return rows.map(({ status }) => status)
}

const aScene = async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const { orgId } = team
  const person = (roles: Role[], org = orgId) => aUser(server, roles, org)
  const elsewhere = await anOrganisation(server)
  const [csm, student, strangeAdmin] = await Promise.all([
    person(['csm']),
    person(['student', 'instructor']),
    person(['admin', 'csm', 'coordinator'], elsewhere),
  ])
  const admin = await connect(server, team.admin, '/admin')
  return { server, ...team, boss: team.admin, admin, csm, student, strangeAdmin }
}

/** How a namespace answers who wants to join it. */
const knock = ({ url }: TestServer, namespace: string, token: string | undefined) => {
  const socket = io(url + namespace, {
    transports: ['websocket'],
    auth: token === undefined ? {} : { token },
    forceNew: true,
    reconnection: false,
  })
  onTestFinished(() => void socket.disconnect())
  return new Promise((resolve) => {
    socket.once('connect', () => resolve('connected'))
    socket.once('connect_error', ({ message, data }: Error & { data?: unknown }) =>
      resolve({ message, data }),
    )
  })
}

const NO_SUCH_NAMESPACE = { message: 'Invalid namespace', data: undefined }

const namesOf = ({ received }: Client) => received.map(([name]) => name)

describe('a dead letter', () => {
  it('arrives live, is retried, dies again, and is discarded with a reason', PATIENCE, async () => {
    const { server, orgId, boss, admin, csm } = await aScene()
    const looker = await connect(server, csm, '/admin')
    for (const client of [admin, looker])
      expect(await client.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({ ok: true })
    const { owner, mentorId } = await aFailingEffect(server, orgId)
    const opened = await admin.next('deadLetter.opened', isOf({ owner }))
    const { id } = opened.actor
    const reason = expect.stringContaining('not_found')
    const subject = { effect: expect.stringContaining(owner.id), name: 'tell', owner }
    expect(opened).toMatchObject({
      topic: `org:${orgId}`,
      state: 'open',
      data: { ...subject, reason, by: null },
      view: { ...subject, params: { actor: 'mentor', id: mentorId }, attempts: 7, reason, status: 'open' },
    })
    await looker.next('deadLetter.opened', isOf({ owner }))

    const question = { id, expectedVersion: 1, commandId: randomUUID(), reason: ' there is one now ' }
    const retried = await admin.call('dead-letters.retry', question)
    expect(retried).toMatchObject({
      ok: true,
      state: 'retrying',
      allowed: [],
      data: { decision: 'retried', decidedBy: boss.id, decisionReason: 'there is one now' },
    })
    expect(await admin.call('dead-letters.retry', question)).toEqual(retried)
    expect(await looker.next('deadLetter.retried')).toMatchObject({
      actor: { id },
      data: { ...subject, reason: 'there is one now', by: boss.id },
    })

    // There is none.
    await looker.next('deadLetter.opened', ({ actor, version }) => actor.id === id && version > 2)
    expect(await admin.call('dead-letters.get', { id })).toMatchObject({
      state: 'open',
      allowed: ['retry', 'discard'],
      data: { decision: 'retried', status: 'open' },
    })
    expect(await admin.call('dead-letters.discard', { id })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    expect(await admin.call('dead-letters.discard', { id, reason: 'a mistake' })).toMatchObject({
      ok: true,
      state: 'discarded',
      allowed: [],
    })
    await looker.next('deadLetter.discarded', ({ actor }) => actor.id === id)
    expect(await admin.call('dead-letters.retry', { id, reason: 'x' })).toMatchObject({
      error: { code: 'not_allowed_in_state' },
    })

    const { data } = await looker.call('dead-letters.journal', { id })
    const decisions = data.items.filter(({ cause }: { cause: string }) => cause === 'command')
    expect(decisions).toMatchObject([
      {
        type: 'retry',
        by: boss.id,
        from: 'open',
        to: 'retrying',
        events: [{ type: 'deadLetter.retried', data: { reason: 'there is one now', by: boss.id } }],
      },
      {
        type: 'discard',
        by: boss.id,
        from: 'open',
        to: 'discarded',
        events: [{ type: 'deadLetter.discarded', data: { reason: 'a mistake', by: boss.id } }],
      },
    ])
    await expect.poll(() => effectsOf(server, owner.id), PATIENCE).toEqual([])
  })

  it('that is retried when the cause is gone has its effect carried out', PATIENCE, async () => {
    const { server, orgId, admin, mentorUser, coordinator } = await aScene()
    await admin.subscribe({ topics: [`org:${orgId}`] })
    const { owner, mentorId } = await aFailingEffect(server, orgId)
    const { actor } = await admin.next('deadLetter.opened', isOf({ owner }))
    expect(await effectsOf(server, owner.id)).toEqual(['dead'])
    const mentor = { id: mentorId, userId: mentorUser.id, coordinatorId: coordinator.id }
    expect(await admin.call('mentors.register', mentor)).toMatchObject({ ok: true })
    await admin.call('dead-letters.retry', { id: actor.id, reason: 'there is one now' })
    const told = async () => {
      const { data } = await admin.call('mentors.get', { id: mentorId })
      return data.certifications.length
    }
    await expect.poll(told, PATIENCE).toBe(1)
    expect(await effectsOf(server, owner.id)).not.toContain('dead')
    server.clock.advance(10_000)
    await admin.next('deadLetter.resolved', isOf({ owner }))
    expect(await admin.call('dead-letters.get', { id: actor.id })).toMatchObject({ state: 'resolved' })
  })

  it(
    'is found by status and by effect, over HTTP as well, and shows no secret anywhere',
    PATIENCE,
    async () => {
      const { server, orgId, boss, admin } = await aScene()
      const params = { email: SEALED }
      const one = await aDeadLetter(server, orgId, { params })
      const two = await aDeadLetter(server, orgId, { params, reason: `refused ${SEALED}` })
      await admin.call('dead-letters.discard', { id: two.id, reason: 'x' })
      const found = async (filter: object) => {
        const { data } = await admin.call('dead-letters.list', filter)
        return data.items.map(({ id }: { id: string }) => id)
      }
      expect(await found({ status: 'open' })).toEqual([one.id])
      expect(await found({ status: 'discarded' })).toEqual([two.id])
      expect(await found({ effect: one.effect })).toEqual([one.id])
      expect(new Set(await found({}))).toEqual(new Set([one.id, two.id]))

      const ask = http(server, boss)
      const answers = [
        await ask('GET', `/api/v1/dead-letters?effect=${encodeURIComponent(two.effect)}`),
        await ask('GET', `/api/v1/dead-letters/${two.id}`),
        await ask('GET', `/api/v1/dead-letters/${two.id}/journal`),
        await ask('POST', `/api/v1/dead-letters/${one.id}/retry`, { body: { reason: 'again' } }),
        await admin.subscribe({ topics: [two.topic, `org:${orgId}`] }),
      ]
      expect(answers.slice(0, 4)).toMatchObject(answers.slice(0, 4).map(() => ({ status: 200 })))
      expect(JSON.stringify(answers)).toContain('[hidden]')
      const stored = await server.database.sql.query(
        { name: 'stored', text: 'select snapshot from dead_letter union all select view from journal' },
        [],
      )
      for (const texts of [answers, stored, admin.received])
        expect(JSON.stringify(texts)).not.toContain(SEALED)
    },
  )
})

describe('/admin', () => {
  it('has every command, query and event of /live', PATIENCE, async () => {
    const { server, orgId, admin, mentorId } = await aScene()
    const topics = [`org:${orgId}`, `mentor:${mentorId}`]
    await admin.subscribe({ topics, mode: 'batch' })
    expect(
      await admin.call('certifications.issue', {
        mentorId,
        certType: 'first_aid',
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(1_000_000),
      }),
    ).toMatchObject({ ok: true })
    await admin.call('mentors.pause', { id: mentorId, reason: 'on leave' })
    const has = (type: string) => (frame: { events: { type: string }[] }) =>
      frame.events.some((event) => event.type === type)
    await admin.next('events', has('certification.issued'))
    await admin.next('events', has('mentor.held'))
    expect(await admin.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true })
  })

  it('is the only namespace that has dead letters, live and replayed', PATIENCE, async () => {
    const { server, orgId, boss, admin, adminClient: live, mentorId } = await aScene()
    const topics = [`org:${orgId}`]
    const begun = await live.subscribe({ topics })
    if (!begun.ok) throw new Error(begun.error.message)
    const { id, topic } = await aDeadLetter(server, orgId)
    const last = await admin.call('mentors.pause', { id: mentorId, reason: 'the last thing' })
    const isLast = ({ position }: { position: number }) => position === last.position
    await live.next('mentor.held', isLast)

    const { position: after, epoch } = begun.data
    const late = await connect(server, boss)
    expect(await late.subscribe({ topics, after, epoch })).toMatchObject({ ok: true })
    await late.next('mentor.held', isLast)
    const lateAdmin = await connect(server, boss, '/admin')
    expect(await lateAdmin.subscribe({ topics, after, epoch })).toMatchObject({ ok: true })
    await lateAdmin.next('mentor.held', isLast)
    expect(namesOf(lateAdmin)).toContain('deadLetter.opened')
    for (const client of [live, late]) {
      expect(namesOf(client)).not.toContain('deadLetter.opened')
      expect(await client.call('dead-letters.get', { id })).toMatchObject({
        error: { code: 'unknown_command' },
      })
      const seen = await client.subscribe({ topics: [...topics, topic] })
      if (!seen.ok) throw new Error(seen.error.message)
      const actors = seen.data.topics.flatMap(({ snapshot }) => snapshot.map(({ actor }) => actor.type))
      expect(actors).toContain('mentor')
      expect(actors).not.toContain('deadLetter')
    }
    const snapshot = await admin.subscribe({ topics: [...topics, topic] })
    if (!snapshot.ok) throw new Error(snapshot.error.message)
    for (const each of snapshot.data.topics)
      expect(each.snapshot.map(({ actor }) => actor)).toContainEqual({ type: 'deadLetter', id })
    expect(await knock(server, '/dead-letters', boss.token)).toEqual(NO_SUCH_NAMESPACE)
  })

  it('does not exist for those who are no operators', PATIENCE, async () => {
    const { server, coordinator, mentorUser, student, csm, strangeAdmin } = await aScene()
    const nobody = await aUser(server, [])
    for (const token of [coordinator, mentorUser, student, nobody].map((person) => person.token))
      for (const namespace of ['/admin', '/nowhere'])
        expect(await knock(server, namespace, token)).toEqual(NO_SUCH_NAMESPACE)
    for (const token of [undefined, '', 'nonsense'])
      expect(await knock(server, '/admin', token)).toEqual(NO_SUCH_NAMESPACE)
    const system = await aUser(server, ['system'])
    for (const { token } of [csm, strangeAdmin, system])
      expect(await knock(server, '/admin', token)).toBe('connected')
  })

  it('ends for whoever is an operator no longer; what else is open goes on', PATIENCE, async () => {
    const { server, orgId, boss, csm } = await aScene()
    const looker = await connect(server, csm, '/admin')
    await looker.subscribe({ topics: [`org:${orgId}`] })
    const other = looker.socket.io.socket('/live', { auth: { token: csm.token } })
    await new Promise<void>((resolve) => other.once('connect', resolve))
    const ended = new Promise((resolve) => looker.socket.once('disconnect', resolve))

    const rolesOf = ({ id }: Person) => `/api/v1/users/${id}/roles`
    const change = (roles: Role[]) => http(server, boss)('PUT', rolesOf(csm), { body: { roles } })
    expect((await change(['admin'])).status).toBe(200)
    expect(await looker.call('dead-letters.list')).toMatchObject({ ok: true })
    expect((await change(['coordinator', 'student'])).status).toBe(200)
    expect(await looker.next('closing')).toEqual({ code: 'forbidden' })
    expect(await ended).toBe('io server disconnect')

    await aDeadLetter(server, orgId)
    expect(await other.timeout(20_000).emitWithAck('mentors.list', {})).toMatchObject({ ok: true })
    expect(namesOf(looker)).not.toContain('deadLetter.opened')
    expect(await knock(server, '/admin', csm.token)).toEqual(NO_SUCH_NAMESPACE)
    expect((await change(['csm'])).status).toBe(200)
    await expect.poll(() => knock(server, '/admin', csm.token), PATIENCE).toBe('connected')
    expect(other.connected).toBe(true)
  })
})

describe('the wrong people', () => {
  it('of another organisation know of nothing', PATIENCE, async () => {
    const { server, orgId, strangeAdmin } = await aScene()
    const { id, topic } = await aDeadLetter(server, orgId)
    const stranger = await connect(server, strangeAdmin, '/admin')
    for (const [name, payload] of [
      ['get', {}],
      ['journal', {}],
      ['retry', { reason: 'x' }],
      ['discard', { reason: 'x' }],
    ] as const) {
      const answer = await stranger.call(`dead-letters.${name}`, { id, ...payload })
      expect([name, answer]).toMatchObject([name, { ok: false, error: { code: 'not_found' } }])
      const absent = { id: randomUUID(), ...payload }
      expect(await stranger.call(`dead-letters.${name}`, absent)).toEqual(answer)
    }
    expect(await stranger.call('dead-letters.list')).toEqual({ ok: true, data: { items: [] } })
    for (const topics of [[topic], [`org:${orgId}`]])
      for (const cursor of [{}, { after: 0 }])
        expect(await stranger.subscribe({ topics, ...cursor })).toMatchObject({
          error: { code: 'forbidden' },
        })
  })

  it('are refused over HTTP and on every topic, and change nothing', PATIENCE, async () => {
    const { server, orgId, boss, admin, csm, student, coordinator, strangeAdmin } = await aScene()
    const { id, topic } = await aDeadLetter(server, orgId)
    const base = '/api/v1/dead-letters'
    const waysIn = async (ask: Http) => [
      outcomeOf(await ask('GET', `${base}/${id}`)),
      outcomeOf(await ask('GET', `${base}/${id}/journal`)),
      outcomeOf(await ask('POST', `${base}/${id}/retry`, { body: { reason: 'x' } })),
      outcomeOf(await ask('POST', `${base}/${id}/discard`, { body: { reason: 'x' } })),
    ]
    const unknown = Array.from({ length: 4 }, () => '404 not_found')
    for (const person of [student, coordinator, strangeAdmin]) {
      const ask = http(server, person)
      expect(await waysIn(ask)).toEqual(unknown)
      expect((await ask('GET', base)).body.data).toEqual({ items: [] })
      for (const namespace of ['/live', '/certifications'])
        for (const each of [topic, `org:${orgId}`])
          expect(
            await (await connect(server, person, namespace)).subscribe({ topics: [each] }),
          ).toMatchObject({ error: { code: 'forbidden' } })
    }
    expect(await waysIn(http(server))).toEqual(unknown.map(() => '401 unauthenticated'))
    const seen = ['200 ok', '200 ok', '403 forbidden', '403 forbidden']
    expect(await waysIn(http(server, csm))).toEqual(seen)
    const looker = await connect(server, csm, '/admin')
    expect(await looker.call('dead-letters.get', { id })).toMatchObject({ ok: true, allowed: [] })
    for (const name of ['retry', 'discard'])
      expect(await looker.call(`dead-letters.${name}`, { id, reason: 'x' })).toMatchObject({
        error: { code: 'forbidden' },
      })
    expect(await admin.call('dead-letters.get', { id })).toMatchObject({ version: 1, state: 'open' })
    expect(await waysIn(http(server, boss))).toEqual([
      '200 ok',
      '200 ok',
      '200 ok',
      '409 not_allowed_in_state',
    ])
  })
})
