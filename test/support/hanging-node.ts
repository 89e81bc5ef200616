import { openDatabase } from '../../persistence/database.ts'
import { createEffectStore } from '../../persistence/effects.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { createRedisQueue } from '../../src/queue/in-redis.ts'
import { createRedisLink } from '../../src/redis.ts'

/** A process that begins with every effect it can get, says so, and never ends one. */

const database = await openDatabase({ url: process.env['DATABASE_URL']! }, migrations)
const print = (text: string) => void process.stdout.write(`${text}\n`)
const link = createRedisLink(process.env['REDIS_URL']!, print)
link.open()
createRedisQueue({
  store: createEffectStore(database.sql),
  handlers: {
    work: {
      attempts: 3,
      backoffMs: () => 0,
      timeoutMs: Infinity,
      concurrency: 10,
      run: (effect) => {
        print(`begun ${effect.id}`)
        return new Promise(() => {})
      },
    },
  },
  now: Date.now,
  failed: (error) => print(String(error)),
  link,
  leaseMs: 4_000,
  sweepMs: 50,
}).start()
