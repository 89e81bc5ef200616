import type { RedisLink } from './redis.ts'

export type Count = { total: number; msLeft: number }

/** Numbers that all nodes have in common, each of which begins anew when its time is over. */
export type CommonCounts = {
  /** `undefined` when Redis could not count it, or did not say so in time. */
  add: (key: string, points: number, seconds: number) => Promise<Count | undefined>
  remove: (key: string) => Promise<void>
}

type Order = {
  key: string
  points: number
  seconds: number
  resolve: (count: Count | undefined) => void
}

const ADD = `
local counts = {}
for index, key in ipairs(KEYS) do
  counts[2 * index - 1] = redis.call('INCRBY', key, ARGV[2 * index - 1])
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('EXPIRE', key, ARGV[2 * index])
    left = 1000 * ARGV[2 * index]
  end
  counts[2 * index] = left
end
return counts`

/**
 * What is to be counted in one turn of the event loop travels together: a command of its own for each would cost a tenth
 * of what a node can do.
 */
export const createCommonCounts = ({ commands, isThere, onChange }: RedisLink): CommonCounts => {
  let gathered: Order[] = []
  const sent = new Set<readonly Order[]>()

  const giveUp = (orders: readonly Order[]) => {
    sent.delete(orders)
    for (const { resolve } of orders) resolve(undefined)
  }

  const send = async () => {
    const orders = gathered
    gathered = []
    if (orders.length === 0) return
    sent.add(orders)
    const keys = orders.map(({ key }) => key)
    const numbers = orders.flatMap(({ points, seconds }) => [points, seconds])
    // The link tells operators why Redis does not count.
    const counts = await commands.eval(ADD, keys.length, ...keys, ...numbers).catch(() => undefined)
    if (!Array.isArray(counts)) return giveUp(orders)
    sent.delete(orders)
    for (const [index, { resolve }] of orders.entries())
      resolve({ total: Number(counts[2 * index]), msLeft: Number(counts[2 * index + 1]) })
  }

  // Whoever waits goes on as soon as Redis is known to be away: the commands of a socket stay in their order, though
  // the next one will not even ask.
  onChange((isBack) => {
    if (isBack) return
    for (const orders of sent) giveUp(orders)
    giveUp(gathered.splice(0))
  })

  return {
    add: (key, points, seconds) =>
      new Promise((resolve) => {
        if (!isThere()) return resolve(undefined)
        if (gathered.push({ key, points, seconds, resolve }) === 1) setImmediate(() => void send())
      }),
    remove: async (key) => {
      if (isThere()) await commands.del(key).catch(() => undefined)
    },
  }
}
