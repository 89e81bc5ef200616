import type { Sent } from './subscribers.ts'

export type Order =
  | { do: 'send'; count: number }
  | { do: 'pace'; perSecond: number }
  /** Answered with what has been sent since the last time. */
  | { do: 'tell' }
  /** Answered after the garbage has been collected. */
  | { do: 'weigh' }

/** In bytes. */
export type Weight = { resident: number; heap: number }

/** Obeys the parent of a server under test. `send` sends so many events; `sent` are those that have been. */
export const obeyParent = (port: number, send: (count: number) => void, sent: Sent[]): void => {
  let pace: NodeJS.Timeout | undefined
  const obey = (order: Order) => {
    switch (order.do) {
      case 'send':
        return send(order.count)
      case 'pace':
        clearInterval(pace)
        if (order.perSecond > 0) pace = setInterval(() => send(1), 1_000 / order.perSecond)
        return
      case 'tell':
        return process.send!(sent.splice(0))
      case 'weigh': {
        global.gc?.()
        global.gc?.()
        const { rss, heapUsed } = process.memoryUsage()
        return process.send!({ resident: rss, heap: heapUsed } satisfies Weight)
      }
    }
  }
  process.on('message', (order) => obey(order as Order))
  process.on('disconnect', () => process.exit(0))
  process.send!(port)
}
