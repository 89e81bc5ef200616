import { setTimeout as sleep } from 'node:timers/promises'
import { ask, tell, type Side } from './fanout-sides.ts'
import { processorMs } from './processor-time.ts'
import type { Sent } from './subscribers.ts'

/** Events under way at once in the closed loop. */
const OUTSTANDING = 4
/** As many events as can be delivered while a few are under way. */
export const deliverAll = async ({ nodes, subscribers, count }: Side, windowMs: number) => {
  const first = nodes[0]!
  let rounds = 0
  let isOver = false
  subscribers.start()
  subscribers.onRound(() => {
    rounds++
    if (!isOver) tell(first, { do: 'send', count: 1 })
  })
  const cpu = () => nodes.reduce((sum, { child }) => sum + processorMs(child.pid!), 0)
  const [begun, cpuMs] = [performance.now(), cpu()]
  tell(first, { do: 'send', count: OUTSTANDING })
  await sleep(windowMs)
  const [ms, usedMs, deliveries] = [performance.now() - begun, cpu() - cpuMs, rounds * count]
  isOver = true
  await sleep(500)
  const { closed } = await subscribers.stop()
  if (closed > 0) throw new Error(`${closed} connections were lost`)
  await ask(first, { do: 'tell' })
  return { perSecond: (deliveries / ms) * 1_000, cpuUs: (usedMs / deliveries) * 1_000 }
}

type Pace = { windowMs: number; perSecond: number }

/** Single events, far enough apart that none waits for another. */
export const deliverPaced = async ({ nodes, subscribers }: Side, { windowMs, perSecond }: Pace) => {
  const first = nodes[0]!
  await ask(first, { do: 'tell' })
  subscribers.start(true)
  tell(first, { do: 'pace', perSecond })
  await sleep(windowMs)
  tell(first, { do: 'pace', perSecond: 0 })
  await sleep(500)
  const { times } = await subscribers.stop(await ask<Sent[]>(first, { do: 'tell' }))
  if (!times) throw new Error('nothing has arrived')
  return times
}

/** The same, while the node also makes as many turns that nobody hears of as it can, so many at once. */
export const deliverBeside = async (side: Side, pace: Pace, atOnce: number) => {
  const first = side.nodes[0]!
  await ask<number>(first, { do: 'load', atOnce })
  const begun = performance.now()
  const times = await deliverPaced(side, pace)
  const turns = await ask<number>(first, { do: 'load', atOnce: 0 })
  return { turnsPerSecond: (turns / (performance.now() - begun)) * 1_000, ...times }
}
