import { pino } from 'pino'
import { startServer } from '../src/server.ts'
import { obeyParent } from './fanout-child.ts'
import type { Sent } from './subscribers.ts'

export type House = { orgId: string; userId: string; mentors: readonly string[] }

/**
 * Laurel itself, but that the commands come from within: each event is that of a committed turn, and how many there are in a
 * second is not bounded by whoever asks for them. An event counts as sent when PostgreSQL has answered that it is committed.
 */
const { databaseUrl, redisUrl, tokenSecret, house, quiet } = JSON.parse(process.argv[2]!) as {
  databaseUrl: string
  redisUrl?: string
  tokenSecret: string
  /** Whose events are heard. */
  house: House
  /** Whose events nobody hears. */
  quiet: House
}
const server = await startServer({
  database: { url: databaseUrl },
  host: '127.0.0.1',
  port: 0,
  tokenSecret,
  vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
  requestsPerMinute: 1_000_000_000,
  ...(redisUrl ? { redisUrl } : {}),
  logger: pino({ level: 'error' }),
})

const sent: Sent[] = []
const { sql } = server.database
const { fly } = sql
sql.fly = async (...args) => {
  const rows = await fly(...args)
  const instant = String(process.hrtime.bigint())
  for (const { position } of rows as { position: number | string }[]) sent.push([Number(position), instant])
  return rows
}

/** Which mentors are on hold; others have left them so. */
const held = new Set<string>()
for (const id of [...house.mentors, ...quiet.mentors]) {
  const { holds } = (await server.engine.peek('mentor', id))!.snapshot.context as { holds: unknown[] }
  if (holds.length > 0) held.add(id)
}

/** Makes turns of the mentors of a house, one after the other. */
const createTurns = ({ orgId, userId, mentors }: House) => {
  const principal = { userId, orgId, roles: ['admin' as const] }
  let turns = 0
  return async () => {
    const id = mentors[turns++ % mentors.length]!
    const isHeld = held.delete(id)
    if (!isHeld) held.add(id)
    const reply = await server.engine.send({
      id: crypto.randomUUID(),
      actor: { type: 'mentor', id },
      cause: 'command',
      type: isHeld ? 'resume' : 'pause',
      payload: isHeld ? {} : { reason: 'bench' },
      at: new Date(server.now()).toISOString(),
      principal,
    })
    if (!reply.ok) throw new Error(reply.error.message)
  }
}

const heardTurn = createTurns(house)
const send = (count: number) => {
  for (let index = 0; index < count; index++) void heardTurn()
}

const quietTurn = createTurns(quiet)
let wanted = 0
let underWay = 0
let made = 0
const goOn = () => {
  for (; underWay < wanted; underWay++)
    void quietTurn().then(() => {
      underWay--
      made++
      goOn()
    })
}
const load = (atOnce: number): number => {
  const before = made
  made = 0
  wanted = atOnce
  goOn()
  return before
}

obeyParent(Number(new URL(server.url).port), { send, load }, sent)
