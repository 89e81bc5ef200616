import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { startServer } from '../src/server.ts'
import type { Changed } from './propagation.ts'

/**
 * Laurel, but that the commands come from within: an event counts as sent when PostgreSQL has answered that it is committed.
 */
const { databaseUrl, redisUrl, id, orgId, userId } = JSON.parse(process.argv[2]!) as Record<string, string>

const server = await startServer({
  database: { url: databaseUrl! },
  host: '127.0.0.1',
  port: 0,
  tokenSecret: 'a secret for benchmarks, long enough for anybody',
  vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
  requestsPerMinute: 1_000_000_000,
  ...(redisUrl ? { redisUrl } : {}),
  logger: pino({ level: 'error' }),
})

const committed = new Map<number, string>()
const { sql } = server.database
const { fly } = sql
sql.fly = async (...args) => {
  const rows = await fly(...args)
  const instant = String(process.hrtime.bigint())
  for (const { position } of rows as { position: number | string }[]) committed.set(Number(position), instant)
  return rows
}

/** Suspends the certificate, or reinstates it. */
const change = async (): Promise<Changed> => {
  const active = await server.engine.peek('certificate', id!)
  const isSuspended = (active!.snapshot.context as { status: string }).status === 'suspended'
  const at = new Date(server.now()).toISOString()
  const reply = await server.engine.send({
    id: randomUUID(),
    actor: { type: 'certificate', id: id! },
    cause: 'command',
    type: isSuspended ? 'reinstate' : 'suspend',
    payload: { noticeId: randomUUID(), ...(isSuspended ? {} : { reason: 'bench' }) },
    at,
    principal: { userId: userId!, orgId: orgId!, roles: ['admin'] },
  })
  if (!reply.ok) throw new Error(reply.error.message)
  return { key: at, instant: committed.get(reply.position!)! }
}

process.on('message', () => void change().then((changed) => process.send!(changed)))
process.on('disconnect', () => process.exit(0))
process.send!(Number(new URL(server.url).port))
