import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import type { Role } from '../../actors/actor.ts'
import type { Reply } from '../../contracts/protocol.ts'
import { createOrganisation } from '../../src/auth/organisations.ts'
import { startServer, type LaurelServer } from '../../src/server.ts'
import type { History, Image } from './history.ts'
import type { Place } from './place.ts'
import type { Random } from './random.ts'

export const TOKEN_SECRET = 'a secret for tests, long enough for anybody'
const PASSWORD = 'correct horse battery'

export type Person = { id: string; email: string; token: string }
export type Mentor = { id: string; user: Person; coordinator: Person }

/** The people of one organisation, and the mentors among them. */
export type World = { orgId: string; admin: Person; coordinators: Person[]; mentors: Mentor[] }

const COORDINATORS = 2
const MENTORS = 6

/** Makes everything that has to be there before the first round, through a server in this process. */
export const makeWorld = async (
  place: Place,
  random: Random,
  history: History,
): Promise<{ world: World; head: Image['head'] }> => {
  const server = await startServer({
    database: place.options,
    host: '127.0.0.1',
    port: 0,
    tokenSecret: TOKEN_SECRET,
    vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    logger: pino({ level: 'fatal' }),
  })
  try {
    const world = await populate(server, random)
    const { head } = await history.read(server.database)
    return { world, head }
  } finally {
    await server.close()
  }
}

const populate = async (server: LaurelServer, random: Random): Promise<World> => {
  const orgId = random.uuid()
  const settings = { requiredCertTypes: ['first_aid', 'safeguarding'] }
  await createOrganisation(server.database, { id: orgId, name: 'Laurel', createdAt: server.now(), settings })
  const aPerson = async (name: string, roles: readonly Role[]): Promise<Person> => {
    const email = `${name}@example.test`
    const made = await server.accounts.createUser({ email, password: PASSWORD, name, orgId, roles })
    if (!made.ok) throw new Error(made.error.message)
    return { id: made.value.id, email, token: await signIn(server.url, email) }
  }
  const many = (count: number, name: string, role: Role) =>
    Promise.all(Array.from({ length: count }, (_, index) => aPerson(`${name}${index + 1}`, [role])))
  const [admin, coordinators, mentorUsers] = await Promise.all([
    aPerson('admin', ['admin']),
    many(COORDINATORS, 'coordinator', 'coordinator'),
    many(MENTORS, 'mentor', 'peer_mentor'),
  ])
  const socket = io(`${server.url}/live`, {
    transports: ['websocket'],
    auth: { token: admin.token },
    forceNew: true,
  })
  const mentors: Mentor[] = []
  for (const [index, user] of mentorUsers.entries()) {
    const coordinator = coordinators[index % COORDINATORS]!
    mentors.push({ id: await register(socket, user, coordinator), user, coordinator })
  }
  socket.disconnect()
  return { orgId, admin, coordinators, mentors }
}

const register = async (socket: Socket, { id: userId }: Person, { id: coordinatorId }: Person) => {
  const reply = (await socket.emitWithAck('mentors.register', { userId, coordinatorId })) as Reply
  if (!reply.ok) throw new Error(reply.error.message)
  return reply.id!
}

/** A token is good for a quarter of an hour, and a long test lasts longer. */
export const renewTokens = async (world: World, url: string): Promise<void> => {
  for (const person of [world.admin, ...world.coordinators, ...world.mentors.map(({ user }) => user)])
    person.token = await signIn(url, person.email)
}

const signIn = async (url: string, email: string): Promise<string> => {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${url}/api/auth/user/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: PASSWORD }),
    })
    if (response.ok) return ((await response.json()) as { data: { token: string } }).data.token
    if (attempt === 3) throw new Error(`${email} cannot sign in: ${response.status}`)
    await sleep(200)
  }
}
