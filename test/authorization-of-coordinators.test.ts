import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { quiet } from './support/badge-scene.ts'
import { days } from './support/clock.ts'
import { connect, headOf, type Client } from './support/server.ts'
import { PATIENCE, aWorld, dates, verdictOf } from './support/authorization/world.ts'

describe('a coordinator', () => {
  type Heard = {
    topic: string
    type: string
    position: number
    actor: { id: string }
    data: { mentorId?: string }
  }

  /** The events that were received, on any topic and in any mode. */
  const eventsOf = ({ received }: Client) =>
    received
      .flatMap(([name, payload]) => (name === 'events' ? payload.events : [payload]) as Partial<Heard>[])
      .filter((payload): payload is Heard => payload?.actor !== undefined)

  it('hears and sees the certifications of the own mentors, and of nobody else', PATIENCE, async () => {
    const world = await aWorld()
    const { server, boss, orgId, usual, others, coordinator, otherCoordinator } = world
    await boss.subscribe({ topics: [`org:${orgId}`] })
    const pairs = [
      { own: usual, foreign: others, client: await connect(server, coordinator) },
      { own: others, foreign: usual, client: await connect(server, otherCoordinator) },
    ]
    for (const { own, client } of pairs)
      expect(
        await client.subscribe({ topics: [`coordinator:${own.coordinatorId}`, `mentor:${own.mentorId}`] }),
      ).toMatchObject({ ok: true })

    // The same things happen to both.
    for (const { mentorId, certificationId: id } of [usual, others]) {
      const issued = await boss.call('certifications.issue', {
        mentorId,
        certType: 'first_aid',
        ...dates(world),
      })
      for (const [name, payload] of [
        ['certifications.renew', { id, issuedAt: server.clock.at(), expiresAt: server.clock.at(days(400)) }],
        ['certifications.suspend', { id, reason: 'lost' }],
        ['mentors.pause', { id: mentorId, reason: 'holiday' }],
        ['mentors.resume', { id: mentorId }],
        ['certifications.revoke', { id: issued.id, reason: 'forged' }],
      ] as const)
        await boss.call(name, payload)
    }
    // `first_aid` is required, so the revocation holds the mentor: the last thing that follows.
    for (const { mentorId } of [usual, others])
      await boss.next(
        'mentor.held',
        ({ actor, data }) => actor.id === mentorId && data.hold === 'certification',
      )

    for (const { own, foreign, client } of pairs) {
      await client.next('mentor.held', ({ data }) => data.hold === 'certification')
      const mine = await client.call('certifications.list')
      const ids = mine.data.items.map(({ id }: { id: string }) => id)
      expect(ids).toContain(own.certificationId)
      expect(
        new Set(mine.data.items.map((item: { view: { mentorId: string } }) => item.view.mentorId)),
      ).toEqual(new Set([own.mentorId, ...(own === usual ? [expect.any(String)] : [])]))
      const known = new Set([
        ...ids,
        ...(await client.call('mentors.list')).data.items.map(({ id }: { id: string }) => id),
      ])
      expect(known).not.toContain(foreign.mentorId)
      expect(known).not.toContain(foreign.certificationId)

      const events = eventsOf(client)
      expect(new Set(events.map(({ type }) => type))).toEqual(
        new Set([
          'certification.issued',
          'certification.renewed',
          'certification.suspended',
          'certification.revoked',
          'mentor.held',
          'mentor.released',
        ]),
      )
      for (const { actor } of events) expect(known).toContain(actor.id)

      for (const filter of [{ coordinatorId: foreign.coordinatorId }, { mentorId: foreign.mentorId }])
        expect(await client.call('certifications.list', filter)).toEqual({ ok: true, data: { items: [] } })
      expect(
        await client.call('certifications.expiring', {
          withinDays: 3650,
          coordinatorId: foreign.coordinatorId,
        }),
      ).toEqual({ ok: true, data: { items: [] } })
      const soon = await client.call('certifications.expiring', { withinDays: 3650 })
      for (const { id } of soon.data.items) expect(known).toContain(id)
      for (const [name, payload] of [
        ['certifications.get', { id: foreign.certificationId }],
        ['certifications.journal', { id: foreign.certificationId }],
        ['certifications.status', { mentorId: foreign.mentorId }],
        ['mentors.get', { id: foreign.mentorId }],
        ['mentors.journal', { id: foreign.mentorId }],
      ] as const)
        expect([name, verdictOf(await client.call(name, payload))]).toEqual([name, 'not_found'])
    }
  })

  it('loses what belongs to a mentor who goes to another one', PATIENCE, async () => {
    const world = await aWorld()
    const { server, boss, orgId, usual, coordinator, otherCoordinator } = world
    const { mentorId, certificationId } = usual
    await boss.subscribe({ topics: [`org:${orgId}`] })
    const old = await connect(server, coordinator)
    const batched = await connect(server, coordinator)
    const next = await connect(server, otherCoordinator)
    const lost = [`mentor:${mentorId}`, `certification:${certificationId}`]
    await old.subscribe({ topics: [...lost, `coordinator:${coordinator.id}`] })
    await batched.subscribe({ topics: lost, mode: 'batch' })
    await next.subscribe({ topics: [`coordinator:${otherCoordinator.id}`] })
    // Somebody who may stay misses nothing and hears nothing twice.
    const stays = await connect(server, world.admin)
    await stays.subscribe({ topics: lost })

    // Some of these are in the same commit as the change, behind it: they are the new coordinator's alone.
    const [reassigned] = await Promise.all([
      boss.call('mentors.reassign', { id: mentorId, coordinatorId: otherCoordinator.id }),
      ...Array.from({ length: 30 }, (_, index) =>
        boss.call(index % 2 ? 'mentors.resume' : 'mentors.pause', {
          id: mentorId,
          ...(index % 2 ? {} : { reason: 'holiday' }),
        }),
      ),
    ])
    expect(reassigned.ok).toBe(true)
    for (const client of [old, batched])
      for (const topic of lost)
        expect(await client.next('topic.closed', (closed) => closed.topic === topic)).toEqual({
          topic,
          reason: 'forbidden',
        })
    const moved = await boss.next('certification.reassigned', ({ actor }) => actor.id === certificationId)
    await boss.call('certifications.suspend', { id: certificationId, reason: 'lost' })
    const last = await boss.call('mentors.pause', { id: mentorId, reason: 'the last one' })
    expect(last.ok).toBe(true)
    await next.next('mentor.held', ({ position }) => position === last.position)
    await next.next('certification.suspended', ({ actor }) => actor.id === certificationId)

    // An answer comes behind everything that was sent before it.
    for (const client of [old, batched]) {
      expect(verdictOf(await client.call('mentors.get', { id: mentorId }))).toBe('not_found')
      expect(verdictOf(await client.call('certifications.get', { id: certificationId }))).toBe('not_found')
      expect(verdictOf(await client.call('certifications.journal', { id: certificationId }))).toBe(
        'not_found',
      )
      expect(
        verdictOf(await client.call('certifications.suspend', { id: certificationId, reason: 'x' })),
      ).toBe('not_found')
      for (const topic of lost)
        expect(await client.subscribe({ topics: [topic], after: 0 })).toMatchObject({
          error: { code: 'forbidden' },
        })
    }
    for (const client of [old, batched]) {
      const heard = eventsOf(client)
      const latest = (id: string) =>
        Math.max(...heard.filter(({ actor }) => actor.id === id).map(({ position }) => position))
      expect(latest(mentorId)).toBe(reassigned.position)
      expect(latest(certificationId)).toBe(moved.position)
    }

    await stays.next('mentor.held', ({ position }) => position === last.position)
    for (const topic of lost) {
      const onTopic = (client: Client, of: string) =>
        eventsOf(client).flatMap((event) => (event.topic === of ? [event] : []))
      const positions = onTopic(stays, topic).map(({ position }) => position)
      expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b))
      const id = topic.slice(topic.indexOf(':') + 1)
      // The organisation's topic, which nobody interrupted, says what there was.
      const all = onTopic(boss, `org:${orgId}`).filter(
        ({ actor, data }) => actor.id === id || (data.mentorId === id && topic.startsWith('mentor:')),
      )
      expect(positions).toEqual(all.map(({ position }) => position))
    }
  })

  it('hears nothing of mentors of another organisation, who cannot be given away', PATIENCE, async () => {
    const { server, boss, usual, callers, clients } = await aWorld()
    const stranger = callers.find(([who]) => who === 'a coordinator of another organisation')![2]
    await clients.get(stranger)!.subscribe({ topics: [`coordinator:${stranger}`] })
    await quiet(server)
    const before = await headOf(server)
    for (const coordinatorId of [stranger, randomUUID()])
      expect(await boss.call('mentors.reassign', { id: usual.mentorId, coordinatorId })).toEqual({
        ok: false,
        error: { code: 'not_found', message: 'coordinatorId: no such user' },
      })
    expect(
      await boss.call('mentors.register', { userId: usual.userId, coordinatorId: stranger }),
    ).toMatchObject({
      error: { code: 'not_found' },
    })
    expect(await headOf(server)).toBe(before)
    expect(await clients.get(stranger)!.call('mentors.list')).toMatchObject({ data: { items: [] } })
    expect(eventsOf(clients.get(stranger)!)).toEqual([])
  })
})
