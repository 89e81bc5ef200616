import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../kill/random.ts'
import type { Cluster } from '../cluster.ts'
import { answers, type ChaosNode } from '../node-process.ts'

/** Of somebody who may see the topic. */
export type FaultContext = {
  cluster: Cluster
  random: Random
  aToken: () => string
  aTopic: () => string
  log: (line: string) => void
}

/** Causes the fault, keeps it for a while and undoes it before it resolves. */
export type Fault = (context: FaultContext) => Promise<void>

/** Longer than a node may take to start while its database is away. */
const HEALTH_MS = 120_000
const RETRY_MS = 20_000

/** Takes a node that no other fault works on, and gives it back when all is well again. */
export const onOneNode =
  (work: (node: ChaosNode, context: FaultContext) => Promise<void>): Fault =>
  async (context) => {
    const { cluster, random } = context
    const free = () => cluster.nodes.filter((node) => !cluster.claimed.has(node))
    while (free().length === 0) await sleep(100)
    const node = random.pick(free())
    cluster.claimed.add(node)
    try {
      await work(node, context)
      await recovered([node])
    } finally {
      cluster.claimed.delete(node)
    }
  }

/** Resolves when these nodes are ready for traffic. @throws when they are not in time */
export const recovered = async (nodes: readonly ChaosNode[]): Promise<void> => {
  const until = Date.now() + HEALTH_MS
  for (const node of nodes)
    while (!(await answers(`${node.url}/ready`))) {
      if (Date.now() > until) throw new Error(`node ${node.name} did not become ready again after a fault`)
      await sleep(100)
    }
}

/** After a fault that all nodes felt; those that another fault works on are its business. */
export const othersRecovered = ({ nodes, claimed }: Cluster): Promise<void> =>
  recovered(nodes.filter((node) => !claimed.has(node)))

/** A server does not always come back at once: its port or its memory may still be held by what was killed. */
export const insist = async (work: () => Promise<void>): Promise<void> => {
  for (const until = Date.now() + RETRY_MS; ; await sleep(200)) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > until) throw error
    }
  }
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
