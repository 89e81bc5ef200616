import { randomUUID } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { DueEffect, EffectStore } from '../../actors/engine/effects.ts'
import { openDatabase } from '../../persistence/database.ts'
import { createEffectStore } from '../../persistence/effects.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import type { EffectHandler } from '../../src/effects/handler.ts'
import { createInProcessQueue, type QueueDependencies } from '../../src/queue/in-process.ts'
import { createRedisQueue } from '../../src/queue/in-redis.ts'
import type { EffectQueue } from '../../src/queue/queue.ts'
import { createRedisLink, type RedisLink } from '../../src/redis.ts'
import { aClock } from './clock.ts'
import { aDatabaseAddress } from './database.ts'

type Handlers = Record<string, EffectHandler>
type NodeOptions = Partial<QueueDependencies> & { redisUrl?: string }

/** A table of effects that belong to nobody, and nodes that carry them out; all end with the test. */
export const anEffectTable = async () => {
  const address = await aDatabaseAddress()
  const database = await openDatabase(address.database, migrations)
  await database.migrator.up()
  const store = createEffectStore(database.sql)
  const clock = aClock()
  const nodes: EffectQueue[] = []
  const links: RedisLink[] = []
  const notes: string[] = []
  const failures: unknown[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    for (const link of links) link.close()
    await database.close()
    await address.remove()
  })
  const query = <Found>(name: string, text: string, values: unknown[] = []) =>
    database.sql.query<Found>({ name: `test_${name}`, text }, values)

  return {
    /** PostgreSQL only. */
    url: 'url' in address.database ? address.database.url : undefined,
    clock,
    store,
    notes,
    failures,
    /** A node with these handlers, which has been started. */
    node: (handlers: Handlers, { redisUrl, ...options }: NodeOptions = {}): EffectQueue => {
      const failed = (error: unknown) => void failures.push(error)
      const deps = { store, handlers, now: clock.now, failed, sweepMs: 20, patienceMs: 500, ...options }
      const note = (text: string) => void notes.push(text)
      const link = redisUrl ? createRedisLink(redisUrl, note) : undefined
      link?.open()
      const node = link ? createRedisQueue({ ...deps, link }) : createInProcessQueue(deps)
      nodes.push(node)
      if (link) links.push(link)
      node.start()
      return node
    },
    /** Effects as a commit leaves them: they belong to its node for `forMs`. */
    promise: async (name: string, count = 1, forMs = 5_000): Promise<DueEffect[]> =>
      query<DueEffect>('promise', PROMISE, [name, count, randomUUID(), clock.at(forMs)]),
    /** What the commit of a result does. */
    settle: async ({ id }: DueEffect) => {
      await query('settle', 'delete from effect where id = $1', [id])
      return { settled: true } as const
    },
    left: async () => (await query<{ n: number }>('left', 'select count(*)::int as n from effect'))[0]!.n,
    row: async ({ id }: DueEffect) => (await query<Row>('row', ROW, [id]))[0],
    query,
  }
}

type Row = { status: string; attempts: number; taken: number; lastError: string | null; nextAt: string }

const ROW = `select status, attempts, taken, last_error as "lastError", next_at::text as "nextAt" from effect where id = $1`

const PROMISE = `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
select 'thing:' || $3 || '@' || n || '.0', 'thing', $3::uuid, n, $1, '{}', $4::timestamptz from generate_series(1, $2::integer) as n
returning id, actor_type as "actorType", actor_id as "actorId", version, name, params, correlation_id as "correlationId",
  attempts, taken`

/** A handler that is never done unless the test says how. */
export const aHandler = (handler: Partial<EffectHandler> = {}): EffectHandler => ({
  attempts: 3,
  backoffMs: () => 0,
  timeoutMs: 60_000,
  concurrency: 10,
  run: () => new Promise(() => {}),
  ...handler,
})

/** A store whose node has lost the database: nothing that it holds is held for longer. */
export const cutOff = (store: EffectStore): EffectStore => ({ ...store, keep: async () => {} })

/** Waits until what is read satisfies the expectation, on however slow a machine. */
export const eventually = <Value>(read: () => Value) =>
  // oxlint-disable-next-line vitest/require-awaited-expect-poll -- whoever calls it awaits it
  expect.poll(() => read(), { timeout: 25_000, interval: 20 })
