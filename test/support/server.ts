import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import type { Role } from '../../actors/actor.ts'
import type { DatabaseOptions } from '../../persistence/database.ts'
import type { Reply, Subscribed } from '../../contracts/protocol.ts'
import { createOrganisation } from '../../src/auth/organisations.ts'
import { startServer, type LaurelServer } from '../../src/server.ts'
import type { ServerOptions } from '../../src/server/options.ts'
import { aDatabaseAddress } from './database.ts'
import { aClock, type TestClock } from './clock.ts'

const PASSWORD = 'correct horse battery'

export type TestServer = LaurelServer & {
  clock: TestClock
  /** Where its data are, for programs of their own. */
  databaseOptions: DatabaseOptions
  /** Stops the server and starts another one on the same database and the same clock. */
  restart: () => Promise<TestServer>
  /** Starts a second server on the same database and the same clock. PostgreSQL only. */
  another: (others?: Partial<ServerOptions>) => Promise<TestServer>
}

/**
 * A whole server on port 0, on a database of its own, with a clock that tests move. It ends with the test, unless
 * somebody else takes what ends it: a `beforeAll` hands that on to `afterAll`.
 */
export const aServer = async (
  options: Partial<ServerOptions> = {},
  onFinished: (end: () => Promise<void>) => unknown = onTestFinished,
): Promise<TestServer> => {
  const address = await aDatabaseAddress()
  const clock = aClock()
  const start = async (others: Partial<ServerOptions> = {}): Promise<TestServer> => {
    const server = await startServer({
      database: address.database,
      host: '127.0.0.1',
      port: 0,
      tokenSecret: 'a secret for tests, long enough for anybody',
      vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
      requestsPerMinute: 1_000_000,
      loginLimits: { perAddress: 1_000_000, perAccount: 1_000_000, perAccountAndAddress: 1_000_000 },
      // Tests sign in more often than a node does in a week.
      passwordCost: { memoryKib: 64, passes: 1, lanes: 1 },
      clock,
      timerPollMs: 50,
      logger: pino({ level: process.env['LAUREL_TEST_LOG'] ?? 'fatal' }),
      ...options,
      ...others,
    })
    let closed = false
    const close = async () => {
      if (closed) return
      closed = true
      await server.close()
    }
    const restart = async () => {
      await close()
      return start()
    }
    onFinished(close)
    return { ...server, databaseOptions: address.database, close, clock, restart, another: start }
  }
  onFinished(address.remove)
  return start()
}

export type Person = { id: string; email: string; orgId: string; token: string; refreshToken: string }

let people = 0

/** A user who is signed in. */
export const aUser = async (
  server: LaurelServer,
  roles: readonly Role[],
  orgId = server.defaultOrgId,
): Promise<Person> => {
  const email = `person${++people}.${randomUUID()}@example.test`
  const created = await server.accounts.createUser({ email, password: PASSWORD, name: email, orgId, roles })
  if (!created.ok) throw new Error(created.error.message)
  return { id: created.value.id, email, orgId, ...(await signIn(server, email)) }
}

export const signIn = async (
  server: LaurelServer,
  email: string,
): Promise<{ token: string; refreshToken: string }> => {
  const response = await fetch(`${server.url}/api/auth/user/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  })
  const { data } = (await response.json()) as { data: { token: string; refreshToken: string } }
  return data
}

export const anOrganisation = async (
  server: LaurelServer,
  requiredCertTypes: string[] = [],
): Promise<string> => {
  const id = randomUUID()
  await createOrganisation(server.database, {
    id,
    name: `Organisation ${id}`,
    createdAt: server.now(),
    settings: { requiredCertTypes },
  })
  return id
}

export type Client = {
  socket: Socket
  /** Sends a command or a query and waits for its answer. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  call: (name: string, payload?: object) => Promise<any>
  subscribe: (payload: object) => Promise<Reply<Subscribed>>
  /** Everything that was received, in order: `[name, payload]`. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  received: [string, any][]
  /** Waits until something of that name has been received that satisfies the condition. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  next: (name: string, satisfies?: (payload: any) => boolean) => Promise<any>
}

/** A plain socket.io-client on a connection of its own. */
export const connect = async (
  server: Pick<LaurelServer, 'url'>,
  { token }: { token: string },
  namespace = '/live',
  onFinished: (end: () => void) => unknown = onTestFinished,
): Promise<Client> => {
  const socket = io(server.url + namespace, {
    transports: ['websocket'],
    auth: { token },
    forceNew: true,
    reconnection: false,
  })
  const received: Client['received'] = []
  socket.onAny((name: string, payload: unknown) => received.push([name, payload]))
  onFinished(() => void socket.disconnect())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return {
    socket,
    received,
    call: (name, payload = {}) => socket.timeout(20_000).emitWithAck(name, payload),
    subscribe: (payload) => socket.timeout(20_000).emitWithAck('subscribe', payload),
    next: (name, satisfies = () => true) => {
      const known = received.find(([type, payload]) => type === name && satisfies(payload))
      if (known) return Promise.resolve(known[1])
      return new Promise((resolve) => {
        const listen = (type: string, payload: unknown) => {
          if (type !== name || !satisfies(payload)) return
          socket.offAny(listen)
          resolve(payload)
        }
        socket.onAny(listen)
      })
    },
  }
}

/** The position of the newest turn: the same as before when nothing was written. */
export const headOf = async ({ database }: Pick<LaurelServer, 'database'>): Promise<number> => {
  const [row] = await database.sql.query<{ head: number }>({
    name: 'test_head',
    text: 'select position::int as head from journal_head',
  })
  return row!.head
}

/** One organisation with an admin, a coordinator and a mentor of theirs. */
export const aTeam = async (server: LaurelServer, requiredCertTypes: string[] = ['first_aid']) => {
  const orgId = await anOrganisation(server, requiredCertTypes)
  const [admin, coordinator, mentorUser] = await Promise.all([
    aUser(server, ['admin'], orgId),
    aUser(server, ['coordinator'], orgId),
    aUser(server, ['peer_mentor'], orgId),
  ])
  const client = await connect(server, admin)
  const mentor = await client.call('mentors.register', {
    userId: mentorUser.id,
    coordinatorId: coordinator.id,
  })
  return { orgId, admin, coordinator, mentorUser, mentorId: mentor.id as string, adminClient: client }
}
