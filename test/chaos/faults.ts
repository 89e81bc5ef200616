import { slowClient } from './faults/slow-client.ts'
import type { Fault } from './faults/fault.ts'
import { cutPostgres, cutRedis, redisDrop } from './faults/links.ts'
import { clock, kill, nodePause, rolling, term } from './faults/nodes.ts'
import { poolExhausted, postgresPause, postgresRestart } from './faults/postgres.ts'
import { redisEmpty, redisKill, redisPause, redisStop } from './faults/redis.ts'
import { storm } from './faults/storm.ts'

/** Everything that can happen to the cluster. Each fault leaves it healthy, as far as no other one is under way. */
export const faults = {
  kill,
  term,
  rolling,
  'node-pause': nodePause,
  clock,
  'redis-stop': redisStop,
  'redis-kill': redisKill,
  'redis-empty': redisEmpty,
  'redis-pause': redisPause,
  'redis-drop': redisDrop,
  'cut-redis': cutRedis,
  'postgres-restart': postgresRestart,
  'postgres-pause': postgresPause,
  'pool-exhausted': poolExhausted,
  'cut-postgres': cutPostgres,
  'slow-client': slowClient,
  storm,
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
