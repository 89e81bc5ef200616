import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createEffectStore } from '../persistence/effects.ts'
import type { EffectHandler } from '../src/effects/handler.ts'
import { createInProcessQueue } from '../src/queue/in-process.ts'
import { aDatabase } from './support/database.ts'

/** Two nodes on one database, and one effect that a commit has just promised; both run it with this handler. */
const twoNodes = async (run: EffectHandler['run']) => {
  const database = await aDatabase()
  const store = createEffectStore(database.sql)
  const queueOf = () =>
    createInProcessQueue({
      store,
      handlers: { work: { attempts: 1, backoffMs: () => 0, timeoutMs: 60_000, concurrency: 10, run } },
      now: Date.now,
      failed: () => {},
      sweepMs: 20,
      leaseMs: 2_000,
    })
  const nodes = [queueOf(), queueOf()] as const
  for (const node of nodes) node.start()
  onTestFinished(async () => {
    for (const node of nodes) await node.stop()
    await database.close()
  })
  const actorId = randomUUID()
  const id = `thing:${actorId}@1.0`
  await database.sql.query(
    {
      name: 'promise',
      text: `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
        values ($1, 'thing', $2, 1, 'work', '{}', clock_timestamp() + interval '1500 milliseconds')`,
    },
    [id, actorId],
  )
  const effect = {
    id,
    actorType: 'thing',
    actorId,
    version: 1,
    name: 'work',
    params: {},
    correlationId: null,
  }
  const row = async () => {
    const [found] = await database.sql.query<{ attempts: number; status: string; next_at: string }>(
      { name: 'effect_row', text: 'select attempts, status, next_at from effect where id = $1' },
      [id],
    )
    return found!
  }
  return { nodes, effect: { ...effect, attempts: 0, taken: 0 }, row }
}

it('an effect that outlives its lease runs on one node only', async () => {
  let runs = 0
  const { nodes, effect, row } = await twoNodes(async () => {
    runs++
    await wait(4_000)
    return { settled: true }
  })
  nodes[0].push([effect])
  await wait(3_500)
  expect(runs).toBe(1)
  expect(Date.parse((await row()).next_at)).toBeGreaterThan(Date.now())
})

it('an effect that is given back goes on, and that is no failed attempt', async () => {
  let runs = 0
  const { nodes, effect, row } = await twoNodes(async () =>
    ++runs < 3 ? { againInMs: 50 } : { final: 'enough' },
  )
  nodes[0].push([effect])
  await expect.poll(async () => (await row()).status, { timeout: 5_000 }).toBe('dead')
  expect(runs).toBe(3)
  expect((await row()).attempts).toBe(1)
})
