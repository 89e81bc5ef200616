import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosNode } from '../node-process.ts'
import { onOneNode, recovered, seconds, type Fault, type FaultContext } from './fault.ts'

/** kill -9. */
export const kill: Fault = onOneNode(async (node, { random, log }) => {
  const awayMs = random.chance(0.3) ? 0 : random.int(1, 3_000)
  log(`node ${node.name}, away ${seconds(awayMs)}`)
  await node.kill()
  await sleep(awayMs)
  await node.start()
})

export const term: Fault = onOneNode(async (node, { random, log }) => {
  const awayMs = random.chance(0.5) ? 0 : random.int(1, 3_000)
  log(`node ${node.name}, away ${seconds(awayMs)}`)
  await ended(node, log)
  await sleep(awayMs)
  await node.start()
})

/** One after the other, as when a new version is installed. */
export const rolling: Fault = async ({ cluster, random, log }) => {
  const left = [...cluster.nodes]
  while (left.length > 0) {
    const [node] = left.splice(random.int(0, left.length - 1), 1)
    while (cluster.claimed.has(node!)) await sleep(100)
    cluster.claimed.add(node!)
    try {
      log(`node ${node!.name}`)
      await ended(node!, log)
      await node!.start()
      await recovered([node!])
    } finally {
      cluster.claimed.delete(node!)
    }
  }
}

/** A zombie: it comes back and does not know that it was away. */
export const nodePause: Fault = onOneNode(async (node, { random, log }) => {
  const awayMs = random.int(1_000, 12_000)
  log(`node ${node.name}, ${seconds(awayMs)}`)
  node.pause()
  try {
    await sleep(awayMs)
  } finally {
    node.resume()
  }
})

const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
]
const SKEW_S = 300

/** One node whose wall clock is five minutes wrong. */
export const clock: Fault = onOneNode(async (node, { random, log }) => {
  const library = FAKETIME.find((file) => existsSync(file))
  if (library === undefined) throw new Error('libfaketime was not found')
  const skew = random.pick([`+${SKEW_S}`, `-${SKEW_S}`])
  const lifeMs = random.int(3_000, 10_000)
  log(`node ${node.name} ${skew} s for ${seconds(lifeMs)}`)
  await ended(node, log)
  try {
    await node.start({
      environment: {
        LD_PRELOAD: library,
        FAKETIME: skew,
        FAKETIME_NO_CACHE: '1',
        // Node itself does not survive a monotonic clock that jumps.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    })
    await sleep(lifeMs)
  } finally {
    await ended(node, log)
    await node.start()
  }
})

const ended = async (node: ChaosNode, log: FaultContext['log']) => {
  if (!node.isUp()) return
  const since = performance.now()
  await node.terminate()
  log(`node ${node.name} ended in ${seconds(performance.now() - since)}`)
}
