import { describe, expect, it } from 'vitest'
import type { Reply, Subscribed } from '../contracts/protocol.ts'
import { days } from './support/clock.ts'
import { aServer, aTeam, aUser, connect, headOf, type Client, type TestServer } from './support/server.ts'

/** Far longer than anything here takes: a slow machine does not matter. */
const PATIENCE = { timeout: 120_000 }

type Frame = { topic: string; prev: number; position: number; type: string; id: string; version: number }

const issue = (server: TestServer, client: Client, mentorId: string, certType = 'first_aid') =>
  client.call('certifications.issue', {
    mentorId,
    certType,
    issuedAt: server.clock.at(),
    expiresAt: server.clock.at(days(200)),
  })

/** All frames of one topic, whatever the mode, in the order of their arrival. */
const framesOf = (client: Client, topic: string): Frame[] =>
  client.received.flatMap(([, payload]) =>
    payload?.topic === topic ? (payload.events ?? (payload.position && payload.id ? [payload] : [])) : [],
  )

const startOf = (reply: Reply<Subscribed>) => {
  if (!reply.ok) throw new Error(reply.error.message)
  return reply.data.position
}

/** What the protocol promises to a client that keeps `last`, starting from a position. */
const expectUnbroken = (frames: readonly Frame[], start: number) => {
  let last = start
  for (const { prev, position } of frames) {
    expect(position).toBeGreaterThan(last)
    expect(prev).toBeLessThanOrEqual(last)
    last = position
  }
  return last
}

const aScene = async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const sender = await connect(server, team.coordinator)
  return { server, ...team, sender, topic: `coordinator:${team.coordinator.id}` }
}

describe('subscribing', () => {
  it('starts with a snapshot that is exact as of its position, and goes on from there', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const first = await issue(server, sender, mentorId)
    const client = await connect(server, coordinator)
    const reply = await client.subscribe({ topics: [topic] })
    if (!reply.ok) throw new Error(reply.error.message)
    const { position, topics, epoch } = reply.data
    expect(epoch).toMatch(/^[0-9a-f-]{36}$/)
    expect(position).toBeGreaterThanOrEqual(first.position)
    expect(topics).toHaveLength(1)
    expect(topics[0]).toMatchObject({ topic, truncated: false })
    const seen = topics[0]!.snapshot.find(({ actor }) => actor.id === first.id)
    expect(seen).toMatchObject({
      actor: { type: 'certification' },
      version: 1,
      state: 'valid',
      view: first.data,
    })

    const second = await issue(server, sender, mentorId, 'safeguarding')
    await client.next('certification.issued', ({ actor }) => actor.id === second.id)
    expectUnbroken(framesOf(client, topic), position)
  })

  it('sends each event with everything that a client needs to use it', async () => {
    const { server, mentorId, sender, topic } = await aScene()
    await sender.subscribe({ topics: [topic] })
    const issued = await issue(server, sender, mentorId)
    const frame = await sender.next('certification.issued')
    expect(frame).toEqual({
      topic,
      prev: expect.any(Number),
      position: issued.position,
      id: `certification:${issued.id}@1`,
      type: 'certification.issued',
      actor: { type: 'certification', id: issued.id },
      version: 1,
      state: 'valid',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: expect.objectContaining({ mentorId, certType: 'first_aid' }),
      view: issued.data,
      cause: { command: 'issue' },
    })
  })

  it('gives an event of several subscribed topics once to each of them', async () => {
    const { server, orgId, admin, mentorId, sender, topic } = await aScene()
    const client = await connect(server, admin)
    const topics = [topic, `org:${orgId}`, `mentor:${mentorId}`]
    await client.subscribe({ topics })
    const issued = await issue(server, sender, mentorId)
    for (const each of topics)
      await client.next(
        'certification.issued',
        (frame) => frame.topic === each && frame.actor.id === issued.id,
      )
    const frames = client.received
      .filter(([name]) => name === 'certification.issued')
      .map(([, frame]) => frame.topic)
    expect(new Set(frames)).toEqual(new Set(topics))
    expect(frames).toHaveLength(topics.length)
  })

  it('carries only its own type in a namespace, and every type in /live', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const own = await connect(server, coordinator, '/certifications')
    const all = await connect(server, coordinator, '/live')
    const start = startOf(await own.subscribe({ topics: [topic] }))
    await all.subscribe({ topics: [topic] })
    const issued = await own.call('issue', {
      mentorId,
      certType: 'first_aid',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(600_000),
    })
    expect(issued).toMatchObject({ ok: true })
    await sender.call('mentors.pause', { id: mentorId, reason: 'on leave' })
    server.clock.advance(600_000)
    await own.next('certification.expired')
    await all.next('mentor.held', ({ data }) => data.hold === 'certification')
    expect(framesOf(own, topic).every(({ type }) => type.startsWith('certification.'))).toBe(true)
    expect(new Set(framesOf(all, topic).map(({ type }) => type.split('.')[0]))).toEqual(
      new Set(['certification', 'mentor']),
    )
    expectUnbroken(framesOf(own, topic), start)
    expectUnbroken(framesOf(all, topic), start)
  })

  it('puts many events into few frames in batch mode, with the same content and order', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const each = await connect(server, coordinator)
    const batch = await connect(server, coordinator)
    await each.subscribe({ topics: [topic] })
    const start = startOf(await batch.subscribe({ topics: [topic], mode: 'batch' }))
    await Promise.all(
      Array.from({ length: 150 }, (_, index) => issue(server, sender, mentorId, `type_${index}`)),
    )
    const last = await sender.call('mentors.pause', { id: mentorId, reason: 'enough' })
    await each.next('mentor.held', ({ version }) => version === last.version)
    await batch.next('events', ({ events }) => events.some(({ type }: Frame) => type === 'mentor.held'))

    const count = framesOf(each, topic).length
    expect(framesOf(batch, topic).map(({ prev: _, ...event }) => event)).toEqual(
      framesOf(each, topic).map(({ prev: _, ...event }) => event),
    )
    const batches = batch.received.filter(([name]) => name === 'events').map(([, frame]) => frame)
    expect(batches.length).toBeLessThan(count)
    expect(Math.max(...batches.map(({ events }) => events.length))).toBeLessThanOrEqual(64)
    for (const { prev, events } of batches) expect(prev).toBe(events[0].prev)
    expectUnbroken(framesOf(batch, topic), start)
  })

  it('sends nothing more after unsubscribing', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const client = await connect(server, coordinator)
    await client.subscribe({ topics: [topic] })
    expect(await client.call('unsubscribe', { topics: [topic] })).toMatchObject({
      ok: true,
      data: { topics: [] },
    })
    await sender.subscribe({ topics: [topic] })
    await issue(server, sender, mentorId)
    await sender.next('certification.issued')
    expect(framesOf(client, topic)).toEqual([])
  })
})

/** Of whose topic everybody who listens is asked again, whenever the mentor is given away. */
const aMovingMentor = async () => {
  const { server, orgId, admin, coordinator, mentorId, adminClient } = await aScene()
  const other = await aUser(server, ['coordinator'], orgId)
  const client = await connect(server, admin)
  let next = [other, coordinator]
  const move = async () => {
    const [coordinatorId, ...others] = next
    expect(
      await adminClient.call('mentors.reassign', { id: mentorId, coordinatorId: coordinatorId!.id }),
    ).toMatchObject({ ok: true })
    next = [...others, coordinatorId!]
  }
  const news = async () => {
    const held = await adminClient.call('mentors.pause', { id: mentorId, reason: 'holiday' })
    await adminClient.call('mentors.resume', { id: mentorId })
    return held.position as number
  }
  /** The mentor goes to and fro for as long as the work takes. */
  const moves = async <Result>(work: () => Promise<Result>) => {
    let isOver = false
    const done = work().finally(() => (isOver = true))
    while (!isOver) {
      await move()
      await news()
    }
    return done
  }
  return { client, topic: `mentor:${mentorId}`, moves, news }
}

describe('whoever may be asked again whether they may listen', () => {
  it('has subscribed anew meanwhile, and gets what follows once', PATIENCE, async () => {
    const { client, topic, moves, news } = await aMovingMentor()
    const start = startOf(await client.subscribe({ topics: [topic] }))
    for (let round = 0; round < 2; round++) {
      const again = () => heardUntil(client, 'subscribe', { topics: [topic], after: start })
      // They wait in a line, and the mentor moves while they do.
      const answeredAt = await moves(async () =>
        (await Promise.all(Array.from({ length: 30 }, again))).at(-1)!,
      )
      const last = await news()
      await client.next('mentor.held', ({ position }) => position === last)
      await client.call('mentors.list', {})
      expectUnbroken(framesOf({ ...client, received: client.received.slice(answeredAt) }, topic), start)
    }
  })

  it('has unsubscribed meanwhile, and gets nothing', PATIENCE, async () => {
    const { client, topic, moves, news } = await aMovingMentor()
    for (let round = 0; round < 2; round++) {
      const leftAt = await moves(async () => {
        const start = startOf(await client.subscribe({ topics: [topic] }))
        for (let asked = 0; asked < 30; asked++) void client.subscribe({ topics: [topic], after: start })
        return heardUntil(client, 'unsubscribe', { topics: [topic] })
      })
      await news()
      await client.call('mentors.list', {})
      expect(framesOf({ ...client, received: client.received.slice(leftAt) }, topic)).toEqual([])
    }
  })
})

/** How much had been received when this was answered; what arrives in the same packet of the network is behind it. */
const heardUntil = ({ socket, received }: Client, name: string, payload: object) =>
  new Promise<number>((resolve, reject) =>
    socket.emit(name, payload, (reply: Reply) =>
      reply.ok ? resolve(received.length) : reject(new Error(reply.error.message)),
    ),
  )

describe('resuming', () => {
  it('replays exactly what was missed, and then goes on without a hole or a repetition, under load', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const watcher = await connect(server, coordinator)
    const begun = await watcher.subscribe({ topics: [topic] })
    if (!begun.ok) throw new Error('refused')
    const start = begun.data.position

    let stop = false
    const load = (async () => {
      for (let round = 0; !stop; round++)
        await Promise.all(
          Array.from({ length: 10 }, (_, index) => issue(server, sender, mentorId, `t${round}_${index}`)),
        )
    })()
    const resumed = await Promise.all(
      (['each', 'batch', 'each', 'batch'] as const).map(async (mode) => {
        const client = await connect(server, coordinator)
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(
          await client.subscribe({ topics: [topic], after: start, epoch: begun.data.epoch, mode }),
        ).toMatchObject({
          ok: true,
          data: { position: start, topics: [] },
        })
        return client
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    stop = true
    await load
    const last = await sender.call('mentors.pause', { id: mentorId, reason: 'the end' })
    const isLast = ({ type, version }: Frame) => type === 'mentor.held' && version === last.version
    await watcher.next('mentor.held', isLast)
    const live = framesOf(watcher, topic)
    expectUnbroken(live, start)
    for (const client of resumed) {
      await expect.poll(() => framesOf(client, topic).some(isLast)).toBe(true)
      expectUnbroken(framesOf(client, topic), start)
      expect(framesOf(client, topic).map(({ prev: _, ...event }) => event)).toEqual(
        live.map(({ prev: _, ...event }) => event),
      )
    }
  })

  it('moves the cursor of a client that missed nothing', async () => {
    const { server, coordinator, adminClient, mentorId, topic } = await aScene()
    const client = await connect(server, coordinator)
    const { position } = await adminClient.call('mentors.pause', { id: mentorId, reason: 'a break' })
    await client.subscribe({ topics: [topic], after: position })
    expect(await client.next('position')).toEqual({ topic, position: expect.any(Number) })
  })

  it.each([
    ['from the future', { after: 1_000_000_000 }],
    ['from another epoch', { after: 0, epoch: '00000000-0000-4000-8000-000000000000' }],
  ])('asks for a new start when the position is %s', async (_, cursor) => {
    const { sender, topic } = await aScene()
    expect(await sender.subscribe({ topics: [topic], ...cursor })).toMatchObject({
      ok: false,
      error: { code: 'resync_required' },
    })
    expect(await sender.subscribe({ topics: [topic] })).toMatchObject({ ok: true })
  })

  it('asks for a new start when more than 10,000 events are missing, and replays 10,000', async () => {
    const { sender, mentorId, topic } = await aScene()
    const position = startOf(await sender.subscribe({ topics: [topic] }))
    await sender.call('unsubscribe', { topics: [topic] })
    const turns = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          sender.call(index % 2 ? 'mentors.resume' : 'mentors.pause', {
            id: mentorId,
            ...(index % 2 ? {} : { reason: 'x' }),
          }),
        ),
      )
    for (let done = 0; done < 10_000; done += 500) await turns(500)
    expect((await sender.subscribe({ topics: [topic], after: position })).ok).toBe(true)
    await expect.poll(() => framesOf(sender, topic).length, { timeout: 20_000 }).toBe(10_000)
    expectUnbroken(framesOf(sender, topic), position)
    await turns(1)
    expect(await sender.subscribe({ topics: [topic], after: position })).toMatchObject({
      error: { code: 'resync_required' },
    })
  }, 90_000)

  it('waits for nobody else who reads slowly what was missed', PATIENCE, async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const position = startOf(await sender.subscribe({ topics: [topic] }))
    await sender.call('unsubscribe', { topics: [topic] })
    for (let done = 0; done < 6_000; done += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, index) =>
          index % 2
            ? sender.call('mentors.resume', { id: mentorId })
            : sender.call('mentors.pause', { id: mentorId, reason: 'x'.repeat(400) }),
        ),
      )
    // As many as may read the journal at once.
    const slow = await Promise.all(Array.from({ length: 32 }, () => connect(server, coordinator)))
    for (const client of slow) {
      rawSocketOf(client).pause()
      client.socket.emit('subscribe', { topics: [topic], after: position })
    }
    await expect.poll(() => server.stats().sockets.begun['replayed'], PATIENCE).toBe(32)
    expect(await sender.subscribe({ topics: [topic], after: position })).toMatchObject({ ok: true })
    // Nobody had to be cut off before.
    expect(server.stats().sockets.slowClients).toBe(0)
    for (const client of slow) rawSocketOf(client).resume()
  })

  it('goes on after a restart of the server, from the position before it', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const begun = await sender.subscribe({ topics: [topic] })
    if (!begun.ok) throw new Error('refused')
    await issue(server, sender, mentorId)
    const last = await sender.next('certification.issued')
    const again = await server.restart()
    const client = await connect(again, coordinator)
    await client.subscribe({ topics: [topic], after: last.position, epoch: begun.data.epoch })
    const next = await issue(again, client, mentorId, 'safeguarding')
    await client.next('certification.issued')
    expect(framesOf(client, topic).map(({ position }) => position)).not.toContain(last.position)
    expect(expectUnbroken(framesOf(client, topic), last.position)).toBeGreaterThanOrEqual(next.position)
  })
})

describe('commits that have been lost by a standby that has taken over', () => {
  it('end all subscriptions, and what is committed under their positions arrives', PATIENCE, async () => {
    const { server, adminClient, mentorId } = await aScene()
    const topics = [`mentor:${mentorId}`]
    startOf(await adminClient.subscribe({ topics }))
    const sql = (text: string) => server.database.sql.query({ name: '', text })
    const head = await headOf(server)
    const row = await sql(`select * from mentor where id = '${mentorId}'`)
    for (let count = 0; count < 3; count++) {
      await adminClient.call('mentors.pause', { id: mentorId, reason: 'a break' })
      await adminClient.call('mentors.resume', { id: mentorId })
    }
    const last = await headOf(server)
    await adminClient.next('mentor.released', ({ position }) => position === last)

    await sql(`with gone as (delete from journal where position > ${head})
      update journal_head set position = ${head}`)
    await server.database.sql.query(
      {
        name: 'as before',
        text: `with gone as (delete from effect where actor_id = $2)
          update mentor set version = (before).version, state = (before).state, snapshot = (before).snapshot,
          timers = (before).timers
          from (select jsonb_populate_record(null::mentor, $1::jsonb) as before) as saved where id = $2`,
      },
      [JSON.stringify(row[0]), mentorId],
    )
    expect(await adminClient.next('topic.closed')).toEqual({ topic: topics[0], reason: 'resync_required' })
    adminClient.received.length = 0
    expect(await adminClient.subscribe({ topics, after: last })).toMatchObject({
      error: { code: 'resync_required' },
    })
    const start = startOf(await adminClient.subscribe({ topics }))
    expect(start).toBe(head)
    const paused = await adminClient.call('mentors.pause', { id: mentorId, reason: 'a longer one' })
    expect(paused).toMatchObject({ ok: true, position: head + 1 })
    await adminClient.next('mentor.held', ({ position }) => position === paused.position)
    expectUnbroken(framesOf(adminClient, topics[0]!), start)
  })
})

/** The TCP connection, to stop reading. */
const rawSocketOf = ({ socket }: Client) => {
  const engine = socket.io.engine as unknown as {
    transport: { ws: { _socket: { pause: () => void; resume: () => void } } }
  }
  // oxlint-disable-next-line no-underscore-dangle -- ws names it so, and nothing public stops reading
  return engine.transport.ws._socket
}

describe('ending', () => {
  it('tells clients when to come back, finishes commands in hand, and closes so that they reconnect', async () => {
    const { server, mentorId, sender } = await aScene()
    const reasons: string[] = []
    sender.socket.on('disconnect', (reason) => reasons.push(reason))
    const inHand = Array.from({ length: 50 }, (_, index) => issue(server, sender, mentorId, `t_${index}`))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await server.close()
    expect(await sender.next('closing')).toMatchObject({
      code: 'draining',
      reconnectInMs: expect.any(Number),
    })
    for (const reply of await Promise.all(inHand))
      expect(reply.ok || reply.error.code === 'shutting_down').toBe(true)
    await expect.poll(() => reasons.length).toBe(1)
    expect(reasons[0]).not.toBe('io server disconnect')
  })

  it('cuts off a client that does not read, and nobody else', async () => {
    const { server, coordinator, mentorId, sender, topic } = await aScene()
    const slow = await connect(server, coordinator)
    const fast = await connect(server, coordinator)
    await slow.subscribe({ topics: [topic] })
    await fast.subscribe({ topics: [topic] })
    const raw = rawSocketOf(slow)
    raw.pause()
    const notes = 'n'.repeat(400)
    const { id } = await issue(server, sender, mentorId)
    // Each renewal is longer than the one before it: the history is part of the view.
    for (let round = 0; round < 40; round++)
      await Promise.all(
        Array.from({ length: 10 }, () =>
          sender.call('certifications.renew', {
            id,
            issuedAt: server.clock.at(),
            expiresAt: server.clock.at(days(300)),
            notes,
          }),
        ),
      )
    raw.resume()
    await expect.poll(() => slow.socket.connected, { timeout: 10_000 }).toBe(false)
    expect(fast.socket.connected).toBe(true)
  }, 60_000)
})
