import { setTimeout as sleep } from 'node:timers/promises'
import { onOneNode, seconds, type Fault } from './fault.ts'

/** One node is cut off from one of its servers, or far away from it. */
const cut = (server: 'redis' | 'postgres'): Fault =>
  onOneNode(async (node, { random, log }) => {
    const link = node[server]
    const way = random.pick(['black hole', 'black hole', 'reset', 'reset', 'slow'] as const)
    const forMs = random.int(1_000, 12_000)
    const delayMs = random.int(20, 400)
    log(
      `node ${node.name}, ${way}${way === 'slow' ? ` by ${delayMs} ms each way` : ''} for ${seconds(forMs)}`,
    )
    if (way === 'black hole') link.blackHole()
    else if (way === 'reset') link.reset()
    else link.delay(delayMs)
    try {
      await sleep(forMs)
    } finally {
      link.heal()
    }
  })

export const cutRedis: Fault = cut('redis')
export const cutPostgres: Fault = cut('postgres')

const DROP_MS = 3_000

/** One node misses what others publish, and nothing tells it. */
export const redisDrop: Fault = onOneNode(async (node, { random, log }) => {
  const rounds = random.int(1, 4)
  let lost = 0
  for (let round = 0; round < rounds; round++) {
    const end = node.redis.dropPublications(random.int(1, 20))
    await sleep(random.int(50, DROP_MS / rounds))
    lost += end()
    await sleep(random.int(0, 500))
  }
  log(`node ${node.name}, lost ${lost} messages in ${rounds} rounds`)
})
