import { setTimeout as sleep } from 'node:timers/promises'
import type { Sent } from './subscribers.ts'

export type Order =
  | { do: 'send'; count: number }
  | { do: 'pace'; perSecond: number }
  /** So many turns at once that nobody hears of, until the next such order; answered with how many have been made since the last. */
  | { do: 'load'; atOnce: number }
  /** Answered with what has been sent since the last time. */
  | { do: 'tell' }
  /** Answered after the garbage has been collected. */
  | { do: 'weigh' }

/** In bytes. */
export type Weight = { resident: number; heap: number }

type Duties = { send: (count: number) => void; load?: (atOnce: number) => number }

/** Obeys the parent of a server under test. `send` sends so many events; `sent` are those that have been. */
export const obeyParent = (port: number, { send, load }: Duties, sent: Sent[]): void => {
  let pace: NodeJS.Timeout | undefined
  const obey = (order: Order) => {
    switch (order.do) {
      case 'send':
        return send(order.count)
      case 'pace':
        clearInterval(pace)
        if (order.perSecond > 0) pace = setInterval(() => send(1), 1_000 / order.perSecond)
        return
      case 'load':
        return process.send!(load!(order.atOnce))
      case 'tell':
        return process.send!(sent.splice(0))
      case 'weigh':
        return void weigh().then((weight) => process.send!(weight))
    }
  }
  process.on('message', (order) => obey(order as Order))
  process.on('disconnect', () => process.exit(0))
  process.send!(port)
}

/** Memory goes back to the system some time after it has been collected. */
const weigh = async (): Promise<Weight> => {
  for (let times = 0; times < 3; times++) {
    global.gc?.()
    await sleep(300)
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { resident: rss, heap: heapUsed }
}
