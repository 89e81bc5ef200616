import { pino } from 'pino'
import { startServer } from '../src/server.ts'
import { obeyParent } from './fanout-child.ts'
import type { Sent } from './subscribers.ts'

export type House = { orgId: string; userId: string; mentors: readonly string[] }

/**
 * Laurel itself, but that the commands come from within: each event is that of a committed turn, and how many there are in a
 * second is not bounded by whoever asks for them. An event counts as sent when PostgreSQL has answered that it is committed.
 */
const { databaseUrl, redisUrl, tokenSecret, house } = JSON.parse(process.argv[2]!) as {
  databaseUrl: string
  redisUrl?: string
  tokenSecret: string
  house: House
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

const { orgId, userId, mentors } = house
const principal = { userId, orgId, roles: ['admin' as const] }
/** Which mentors are on hold; others have left them so. */
const held = new Set<string>()
for (const id of mentors) {
  const { holds } = (await server.engine.peek('mentor', id))!.snapshot.context as { holds: unknown[] }
  if (holds.length > 0) held.add(id)
}
let turns = 0
const send = (count: number) => {
  for (let index = 0; index < count; index++) void turn(mentors[turns++ % mentors.length]!)
}
const turn = async (id: string) => {
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

obeyParent(Number(new URL(server.url).port), send, sent)
