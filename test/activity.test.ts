import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'
import { createLogger } from '../src/terminal-log.ts'
import { days } from './support/clock.ts'
import { http } from './support/http.ts'
import { aServer, aTeam, aUser, connect } from './support/server.ts'
import { SECRET } from './support/webhook.ts'

/** For what follows by itself, however busy the machine is. */
const PATIENCE = { timeout: 20_000 }

type Line = { msg: string; correlationId?: string; [field: string]: unknown }

/** A server whose log is read. */
const aScene = async (level: string) => {
  const text: string[] = []
  const simulator = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now })
  onTestFinished(simulator.close)
  const logger = createLogger(level, process.stdout, { write: (line) => void text.push(line) })
  const server = await aServer({ paystack: { secretKey: SECRET, url: simulator.url }, logger })
  const lines = (): Line[] => text.map((line) => JSON.parse(line))
  return {
    server,
    simulator,
    text,
    lines,
    of: (correlationId: unknown) => lines().filter((line) => line.correlationId === correlationId),
    named: (msg: string) => lines().filter((line) => line.msg === msg),
    ...(await aTeam(server, [])),
  }
}

const anOffering = async ({ server, admin }: Awaited<ReturnType<typeof aScene>>) => {
  const offeringId = randomUUID()
  const body = { title: 'First aid', price: { minor: 500_000, currency: 'NGN' } }
  expect(await http(server, admin)('PUT', `/api/v1/prices/${offeringId}`, { body })).toMatchObject({
    status: 200,
  })
  return offeringId
}

it('leads from a command through its turns and effects to the turn that takes the result', async () => {
  const scene = await aScene('info')
  const { server, of, named, orgId } = scene
  const payer = await aUser(server, ['student'], orgId)
  const client = await connect(server, payer)
  await client.subscribe({ topics: [`user:${payer.id}`] })
  const initiated = { offeringId: await anOffering(scene), method: 'card', email: 'ada.obi@example.test' }
  const { id, version, position } = await client.call('payments.initiate', initiated)
  await client.next('payment.checkoutReady')

  const [command] = named('acknowledged').filter(({ call }) => call === 'payments.initiate')
  const payment = `payment:${id}`
  expect(command).toMatchObject({
    connection: client.socket.id,
    userId: payer.id,
    actor: payment,
    version,
    position,
    ms: expect.any(Number) as unknown,
  })
  await vi.waitFor(
    () =>
      expect(of(command!.correlationId).at(-1)).toMatchObject({ msg: 'effect', lane: 'initializePayment' }),
    PATIENCE,
  )
  const followed = of(command!.correlationId)
  const turns = followed.filter(({ msg, actor }) => msg === 'turn' && actor === payment)
  const [first, last] = [turns[0]!, turns.at(-1)!]
  expect(first).toMatchObject({ cause: 'command', type: 'initiate', version: 1, from: null, position })
  expect(last).toMatchObject({ cause: 'signal', type: 'provider.initialized', to: 'awaitingCustomer' })
  // Each effect is promised by one turn and settled by another, of this payment or of its purchase.
  const promised = followed.flatMap(({ effects }) => (effects ?? []) as string[])
  const settled = followed.filter(({ msg }) => msg === 'effect')
  expect(new Set(settled.map(({ effect }) => effect))).toEqual(new Set(promised))
  for (const attempt of settled) expect(attempt).toMatchObject({ attempts: 1, outcome: 'done' })
  expect(settled.map(({ lane }) => lane)).toEqual(expect.arrayContaining(['tell', 'initializePayment']))
  expect(followed.some(({ actor }) => String(actor).startsWith('purchase:'))).toBe(true)

  const everything = scene.text.join('')
  for (const secret of [payer.token, payer.email, initiated.email, 'correct horse battery', SECRET])
    expect(everything).not.toContain(secret)
})

it('says what was refused, who came and went, and when the node started and stopped', async () => {
  const { server, of, named, lines, mentorId, coordinator } = await aScene('info')
  const client = await connect(server, coordinator, '/mentors')
  const { id: connection } = client.socket
  await client.call('get', { id: mentorId })
  const { error } = await client.call('pause', { id: mentorId, reason: 'a secret reason', more: 1 })
  const [refused] = named('refused')
  expect(refused).toMatchObject({
    connection,
    call: 'mentors.pause',
    userId: coordinator.id,
    actor: `mentor:${mentorId}`,
    code: error.code,
  })
  client.socket.disconnect()
  await vi.waitFor(() => expect(named('disconnected')).toHaveLength(1), PATIENCE)
  const ours = { namespace: '/mentors', userId: coordinator.id }
  expect(of(connection)).toMatchObject([
    { msg: 'connected', ...ours },
    { msg: 'disconnected', ...ours, reason: 'client namespace disconnect' },
  ])
  await server.close()
  expect(named('node started')).toMatchObject([{ url: server.url }])
  expect(lines().at(-1)).toMatchObject({ msg: 'node stopped' })
  expect(named('node stopping')).toHaveLength(1)
  expect(JSON.stringify(lines())).not.toContain('a secret reason')
  // Queries and timers are for whoever looks for something.
  expect(lines().filter(({ call }) => call === 'mentors.get')).toEqual([])
})

it('a timer is followed under the turn that set it', async () => {
  const { server, of, named, mentorId, adminClient } = await aScene('debug')
  const { id } = await adminClient.call('certifications.issue', {
    mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(-days(1)),
    expiresAt: server.clock.at(days(100)),
  })
  server.clock.advance(days(101))
  await vi.waitFor(() => {
    const [fired] = named('turn').filter(({ to }) => to === 'expired')
    expect(fired).toMatchObject({ level: 20, cause: 'timer', type: 'expiry', actor: `certification:${id}` })
    expect(fired!.correlationId).toMatch(new RegExp(`^timer:certification:${id}:\\d+$`))
    const [first, ...rest] = of(fired!.correlationId)
    expect(first).toEqual(fired)
    expect(rest).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ msg: 'turn', actor: `mentor:${mentorId}` }),
        expect.objectContaining({ msg: 'effect', lane: 'tell', outcome: 'done' }),
      ]),
    )
  }, PATIENCE)
})

it('is silent at the default level', async () => {
  const { server, text, mentorId, adminClient } = await aScene('warn')
  await adminClient.call('mentors.pause', { id: mentorId, reason: 'x' })
  await server.close()
  expect(text).toEqual([])
})
