import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { AnyActorDefinition } from '../actors/actor.ts'
import { actors } from '../actors/registry.ts'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'
import { routesOf } from '../src/gateway/routes.ts'
import type { ServerOptions } from '../src/server/options.ts'
import { createLogger } from '../src/terminal-log.ts'
import { days } from './support/clock.ts'
import { rawClient } from './support/raw-client.ts'
import { startRedis, withRedis } from './support/redis.ts'
import { aServer, aTeam, aUser, connect, type Client } from './support/server.ts'
import { post, SECRET, signed } from './support/webhook.ts'

/** Paystack's test cards with their codes, as somebody may write them. */
const CARDS = [
  { number: '4084084084084081', codes: 'cvv 408' },
  { number: '507850785078507812', codes: 'CVV: 081, PIN 1111' },
  { number: '5060666666666666666', codes: 'cvc=123 pin 1234 otp 123456' },
  { number: '507850785078507804', codes: 'cvv 884 pin 0000' },
  { number: '5192602720584796', codes: 'cvv 123' },
  { number: '4084080000005408', codes: 'cvv 001' },
  { number: '507850785078507853', codes: 'cvv 082' },
  { number: '4084080000670037', codes: 'cvv 787' },
  { number: '4084080000671803', codes: 'cvv 180' },
  { number: '4084080000671902', codes: 'cvv 190' },
]
const [CARD] = CARDS.map(({ number }) => number) as [string]
const PASSWORD = 'correct horse battery'
const CARD_KEYS = [
  'cardDetails',
  'card_details',
  'cardNumber',
  'pan',
  'CVV',
  'cvc',
  'securityCode',
  'pin',
  'otp',
]

/** A whole server with everything that it says: its log at the finest level, and its answers. */
const aScene = async (options: Partial<ServerOptions> = {}) => {
  const log: string[] = []
  const answers: string[] = []
  const simulator = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now })
  onTestFinished(simulator.close)
  const server = await aServer({
    paystack: { secretKey: SECRET, url: simulator.url },
    ...options,
    logger: createLogger('trace', process.stdout, { write: (line) => void log.push(line) }),
  })
  simulator.control.setWebhookUrl(`${server.url}/webhooks/paystack`)
  const team = await aTeam(server, [])
  const student = await aUser(server, ['student'], team.orgId)

  const http = async (
    method: string,
    path: string,
    { token = team.admin.token, body, headers }: Sent = {},
  ) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push(`${method} ${response.status} ${text} ${JSON.stringify([...response.headers])}`)
    return { status: response.status, text }
  }

  /** A connection whose answers and events are heard. */
  const socket = async (person = team.admin, namespace = '/admin'): Promise<Client> => {
    const client = await connect(server, person, namespace)
    client.socket.onAny((...heard) => answers.push(JSON.stringify(heard)))
    return {
      ...client,
      call: async (name, payload = {}) => {
        const answer = await client.call(name, payload)
        answers.push(JSON.stringify(answer))
        return answer
      },
    }
  }
  return { server, simulator, log, answers, ...team, student, http, socket }
}

type Scene = Awaited<ReturnType<typeof aScene>>
type Sent = { token?: string; body?: unknown; headers?: Record<string, string> }

/** Every row of every table, as text. */
const contentsOf = async ({ server: { database } }: Scene): Promise<string[]> => {
  const tables = await database.sql.query<{ name: string }>({
    name: 'all_tables',
    text: `select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE'`,
  })
  expect(tables.length).toBeGreaterThan(15)
  const found: string[] = []
  for (const { name } of tables) {
    const statement = { name: `all_of_${name}`, text: `select row::text as text from "${name}" row` }
    for (const { text } of await database.sql.query<{ text: string }>(statement))
      found.push(`${name}: ${text}`)
  }
  return found
}

/** Nowhere, in one piece or in groups. */
const expectNowhere = (places: Record<string, readonly string[]>, secrets: readonly string[]) => {
  for (const [place, texts] of Object.entries(places))
    for (const text of texts) {
      const packed = text.replaceAll(/[\s-]/g, '')
      for (const secret of secrets)
        if (text.includes(secret) || packed.includes(secret)) expect.fail(`${secret} is in ${place}: ${text}`)
      expect(text).not.toMatch(/\b(?:cvv|cvc)[\W_]{1,3}\d{3}|\bpin[\W_]{1,3}\d{4}|\botp[\W_]{1,3}\d{6}/i)
    }
}

/** When everything that follows has happened, which is not so for what waits for a customer. */
const quiet = ({ server }: Scene) =>
  vi.waitFor(
    async () => {
      const statement = {
        name: 'waiting',
        text: `select id from effect where status = 'pending' and attempts = 0`,
      }
      expect(await server.database.sql.query(statement)).toEqual([])
    },
    { timeout: 60_000 },
  )

const expectClean = async (scene: Scene, more: readonly string[] = []) => {
  await quiet(scene)
  const cards = CARDS.map(({ number }) => number)
  const { log, answers, admin, coordinator, student } = scene
  const tokens = [admin, coordinator, student].flatMap(({ token, refreshToken }) => [token, refreshToken])
  const secrets = [...cards, PASSWORD, SECRET, ...tokens, ...more]
  expectNowhere({ log, answers, database: await contentsOf(scene) }, secrets)
}

const everyCall = (): { definition: AnyActorDefinition; name: string; fields: string[] }[] =>
  actors.flatMap((definition) =>
    Object.entries<{ input: { shape: object } }>({
      ...definition.contract.commands,
      ...definition.contract.queries,
    }).map(([name, { input }]) => ({ definition, name, fields: Object.keys(input.shape) })),
  )

it('card data in free texts is masked before it is stored, told to anybody or logged', async () => {
  const scene = await aScene()
  const { mentorId, socket, http } = scene
  const client = await socket()
  await client.subscribe({ topics: [`mentor:${mentorId}`, `org:${scene.orgId}`] })
  for (const { number, codes } of CARDS) {
    const text = `Paid with ${number} (${number.replaceAll(/\d{4}(?=\d)/g, '$& ')}), ${codes}`
    expect(await client.call('mentors.pause', { id: mentorId, reason: text })).toMatchObject({ ok: true })
    expect(await client.call('mentors.resume', { id: mentorId })).toMatchObject({ ok: true })
    const issued = await client.call('certifications.issue', {
      mentorId,
      certType: 'first_aid',
      issuedAt: scene.server.clock.at(-days(1)),
      expiresAt: scene.server.clock.at(days(100)),
    })
    const { id } = issued
    const dates = { issuedAt: scene.server.clock.at(), expiresAt: scene.server.clock.at(days(400)) }
    const renewed = await http('POST', `/api/v1/certifications/${id}/renew`, {
      body: { ...dates, notes: text },
    })
    expect(renewed).toMatchObject({ status: 200 })
    expect(renewed.text).toContain(`[card …${number.slice(-4)}]`)
    for (const name of ['suspend', 'revoke'])
      expect(await client.call(`certifications.${name}`, { id, reason: text })).toMatchObject({ ok: true })
    for (const certType of [number, `type_${number}`])
      expect(await client.call('certifications.correct', { id, certType, reason: text })).toMatchObject({
        ok: false,
        error: { code: 'pan_not_accepted' },
      })
  }
  await expectClean(scene)
}, 120_000)

it('no command and no query takes card data, in whatever field, by socket or REST', async () => {
  const scene = await aScene()
  const { mentorId, socket, http } = scene
  for (const { definition, name, fields } of everyCall()) {
    const { contract } = definition
    const creates = contract.commands[name]?.creates ?? false
    const id = creates ? {} : { id: mentorId }
    const client = await socket()
    const call = `${contract.namespace}.${name}`
    for (const key of CARD_KEYS) {
      const answer = await client.call(call, { ...id, [key]: CARD })
      expect([call, key, answer.error?.code]).toEqual([call, key, 'pan_not_accepted'])
    }
    await client.call(call, { ...id, [CARD]: CARD })
    await client.call(call, { ...id, unknown: CARD, commandId: CARD, expectedVersion: Number(CARD) })
    await client.call(call, Object.fromEntries(fields.map((field) => [field, CARD])))
    for (const field of fields) await client.call(call, { ...id, [field]: `${CARD} cvv 408` })
    client.socket.disconnect()
  }
  for (const { method, url, operationId } of routesOf(actors)) {
    const path = url.replace(':id', mentorId)
    const body = (fields: object) => (method === 'GET' ? {} : { body: fields })
    const refused = await http(
      method,
      method === 'GET' ? `${path}?cvv=408` : path,
      body({ card: { cvv: '408' } }),
    )
    expect([operationId, refused.status]).toEqual([operationId, 400])
    expect(refused.text).toContain('pan_not_accepted')
    await http(method, `${path}?${CARD}=${CARD}&limit=${CARD}`, body({ [CARD]: CARD }))
    await http(
      method,
      url.replace(':id', CARD),
      body({ reason: CARD, certType: CARD, mentorId: CARD, id: CARD }),
    )
    await http(method, path, body({ reason: `${CARD} cvv 408`, userId: CARD, notes: CARD, commandId: CARD }))
  }
  await expectClean(scene)
}, 120_000)

it('nor do those fields of refunds, disputes and payments that are kept as they are', async () => {
  const scene = await aScene()
  const { student, socket } = scene
  const evidence = {
    customerEmail: 'holder@example.test',
    customerName: 'Ada Obi',
    customerPhone: '+2348012345678',
    serviceDetails: 'The course was attended',
  }
  const id = randomUUID()
  const payment = { offeringId: id, method: 'card' }
  const admin = await socket()
  const payer = await socket(student, '/live')
  for (const number of [CARD, '378282246310005']) {
    const email = `${number}@example.test`
    for (const [client, call, payload] of [
      [payer, 'refunds.submitBankDetails', { id, accountNumber: number, bankId: '9' }],
      [admin, 'disputes.submitEvidence', { id, ...evidence, customerPhone: `+${number}` }],
      [admin, 'disputes.submitEvidence', { id, ...evidence, customerName: `Ada ${number}` }],
      [admin, 'disputes.submitEvidence', { id, ...evidence, customerEmail: email }],
      [payer, 'payments.initiate', { ...payment, email }],
    ] as const)
      expect([call, await client.call(call, payload)]).toMatchObject([
        call,
        { ok: false, error: { code: 'pan_not_accepted' } },
      ])
  }
  await expectClean(scene, ['378282246310005'])
}, 120_000)

it('nor does anything else that a client can send', async () => {
  const scene = await aScene()
  const { server, http, answers, mentorUser, mentorId } = scene
  const { token } = scene.admin
  for (const header of [
    'x-correlation-id',
    'x-request-id',
    'idempotency-key',
    'if-match',
    'user-agent',
    'cookie',
  ])
    await http('POST', `/api/v1/mentors/${mentorId}/pause`, {
      body: { reason: 'x' },
      headers: { [header]: CARD },
    })
  await http('GET', '/api/v1/mentors', { headers: { authorization: `Bearer ${CARD}` } })
  for (const path of [
    `/${CARD}`,
    `/%c0${CARD}`,
    `/api/v1/mentors/${CARD}`,
    `/api/v1/mentors?after=${CARD}`,
    `/docs/${CARD}`,
  ])
    for (const method of ['GET', 'POST']) await http(method, path)
  await http('POST', '/api/v1/mentors', { body: `{"reason":"${CARD}` })

  const person = { email: `${randomUUID()}@example.test`, password: PASSWORD, name: 'Ada' }
  const bodies: [string, object][] = [
    ['user/register', { ...person, name: `Ada ${CARD}` }],
    ['user/register', { ...person, email: `${CARD}@example.test` }],
    ['user/register', { ...person, phone: CARD }],
    ['user/register', { ...person, avatarUrl: `https://example.test/${CARD}` }],
    ['user/register', { ...person, cardNumber: CARD }],
    ['user/register', { ...person, [CARD]: CARD }],
    ['user/login', { email: `${CARD}@example.test`, password: CARD }],
    ['user/login', { email: person.email, password: CARD }],
    ['user/login', { provider: CARD, providerUserId: CARD, accessToken: CARD }],
    ['user/login', { ...person, pin: '1111' }],
    ['token/refresh', { refreshToken: CARD }],
    ['user/password', { currentPassword: PASSWORD.toUpperCase(), newPassword: CARD }],
  ]
  for (const [route, body] of bodies) {
    const { status } = await http('POST', `/api/auth/${route}`, { body })
    expect([body, status >= 400 && status < 500]).toEqual([body, true])
  }
  await http('PUT', '/api/auth/user/profile', { body: { name: CARD } })
  await http('PUT', `/api/v1/users/${mentorUser.id}/roles`, { body: { roles: [CARD] } })
  await http('PUT', `/api/v1/prices/${randomUUID()}`, {
    body: { title: `for ${CARD}`, price: { minor: Number(CARD), currency: 'NGN' } },
  })

  const csv = (row: string) => `mentor,cert_type,issued_at,expires_at\n${row}\n`
  for (const row of [
    `${mentorId},${CARD},2026-01-01,2027-01-01`,
    `${CARD},first_aid,2026-01-01,2027-01-01`,
    `"${CARD} 408",,,`,
  ])
    expect(
      await http('POST', '/api/v1/certifications/import', {
        body: csv(row),
        headers: { 'content-type': 'text/csv' },
      }),
    ).toMatchObject({ status: 400 })

  const reference = randomUUID()
  for (const body of [
    JSON.stringify({ event: 'charge.success', data: { reference: CARD, id: CARD } }),
    JSON.stringify({
      event: 'charge.success',
      data: { reference, authorization: { authorization_code: 'AUTH_f0r3st' }, pan: CARD },
    }),
    JSON.stringify({ event: CARD, data: { [CARD]: `cvv 408` } }),
    `{"${CARD}":`,
  ])
    for (const headers of [{}, { 'x-paystack-signature': signed(body) }, { 'x-paystack-signature': CARD }])
      answers.push((await post(server, body, headers)).body)

  const raw = await rawClient(server)
  for (const frame of [
    `40/live,${JSON.stringify({ token: CARD, cardNumber: CARD })}`,
    `40/${CARD},${JSON.stringify({ token })}`,
    `40/live,${JSON.stringify({ token })}`,
  ])
    raw.send(frame)
  await raw.next('40/live,')
  const topics = [`mentor:${CARD}`, CARD, `${CARD}:${mentorId}`]
  for (const frame of [
    ['subscribe', { topics }],
    ['subscribe', { topics: [`mentor:${mentorId}`], epoch: CARD }],
    ['unsubscribe', { topics }],
    ['session.refresh', { token: CARD }],
    [CARD, { reason: CARD }],
    [`mentors.${CARD}`, {}],
    ['mentors.get', CARD],
    ['mentors.get', { id: mentorId }, CARD],
  ])
    raw.send(`42/live,7${JSON.stringify(frame)}`)
  await vi.waitFor(() => expect(raw.frames.filter((frame) => frame.startsWith('43/live,7'))).toHaveLength(8))
  // Socket.IO's own answer to whoever asks for a namespace carries its name.
  answers.push(...raw.frames.filter((frame) => !frame.includes('Invalid namespace')))
  await expectClean(scene, ['AUTH_f0r3st'])
}, 120_000)

/** Pays with a new card and then with the kept one. @returns the authorization codes that there were */
const payTwice = async (scene: Scene): Promise<string[]> => {
  const { server, simulator, student, http, socket } = scene
  const offeringId = randomUUID()
  await http('PUT', `/api/v1/prices/${offeringId}`, {
    body: { title: 'A course', price: { minor: 10_000, currency: 'NGN' } },
  })
  const payer = await socket(student, '/live')
  await payer.subscribe({ topics: [`user:${student.id}`] })
  const initiated = await payer.call('payments.initiate', { offeringId, method: 'card' })
  expect(initiated).toMatchObject({ ok: true })
  await payer.next('payment.checkoutReady')
  simulator.control.pay(initiated.id)
  await payer.next('payment.settled')
  const { text } = await http('GET', '/api/v1/payments/authorizations', { token: student.token })
  const [kept] = JSON.parse(text).data.items
  expect(kept).toMatchObject({ card: { last4: '4081' } })

  const other = randomUUID()
  await http('PUT', `/api/v1/prices/${other}`, {
    body: { title: 'Another course', price: { minor: 20_000, currency: 'NGN' } },
  })
  const again = { offeringId: other, method: 'card', authorizationId: kept.id }
  expect(await payer.call('payments.initiate', again)).toMatchObject({ ok: true })
  await payer.next('payment.settled', ({ data }) => data.offeringId === other)
  await simulator.control.idle()

  const codes = simulator.control.authorizations().map(({ code }) => code)
  expect(codes.length).toBeGreaterThan(0)
  expect(await server.database.sql.query({ name: 'hooks', text: 'select id from webhook' })).not.toEqual([])
  return codes
}

it('a card that was paid with leaves no authorization code in clear', async () => {
  const scene = await aScene()
  await expectClean(scene, await payTwice(scene))
}, 120_000)

it.runIf(withRedis)(
  'nor does it in Redis, at any time',
  async () => {
    const redis = await startRedis()
    onTestFinished(redis.stop)
    const sent: string[] = []
    const client = new Redis(redis.url)
    const monitor = await client.monitor()
    monitor.on('monitor', (_time: string, command: string[]) => sent.push(command.join(' ')))
    onTestFinished(() => {
      monitor.disconnect()
      client.disconnect()
    })
    const scene = await aScene({ redisUrl: redis.url })
    const codes = await payTwice(scene)
    await expectClean(scene, codes)
    expect(sent.join(' ')).toContain('webhook:')
    expectNowhere({ redis: sent }, [...codes, PASSWORD, SECRET, scene.student.token, scene.student.email])
  },
  120_000,
)
