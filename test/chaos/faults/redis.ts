import { connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { insist, othersRecovered, seconds, type Fault } from './fault.ts'

/** Its clients are told; what it knew is gone. */
export const redisStop: Fault = async ({ cluster, random, log }) => {
  const awayMs = random.int(1_000, 15_000)
  log(`away ${seconds(awayMs)}`)
  try {
    await shutDown(Number(new URL(cluster.redisUrl).port))
    await sleep(awayMs)
  } finally {
    await cluster.redis.kill()
    await insist(cluster.redis.restart)
  }
  await othersRecovered(cluster)
}

export const redisKill: Fault = async ({ cluster, random, log }) => {
  const awayMs = random.int(100, 5_000)
  log(`away ${seconds(awayMs)}`)
  try {
    await cluster.redis.kill()
    await sleep(awayMs)
  } finally {
    await insist(cluster.redis.restart)
  }
  await othersRecovered(cluster)
}

/** Everything is forgotten, with or without broken connections. */
export const redisEmpty: Fault = async ({ cluster, random, log }) => {
  const way = random.pick(['flushall', 'restart'] as const)
  log(way)
  if (way === 'flushall') await cluster.redis.flush()
  else {
    await cluster.redis.kill()
    await insist(cluster.redis.restart)
  }
  await othersRecovered(cluster)
}

const PAUSE_MS = 10_000

export const redisPause: Fault = async ({ cluster, log }) => {
  log(seconds(PAUSE_MS))
  cluster.redis.freeze()
  try {
    await sleep(PAUSE_MS)
  } finally {
    cluster.redis.thaw()
  }
  await othersRecovered(cluster)
}

/** A client library would try to reach the server that it has just ended. */
const shutDown = async (port: number) => {
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  socket.write('SHUTDOWN NOSAVE\r\n')
  await closed
}
