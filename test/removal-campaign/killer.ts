import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../kill/random.ts'
import type { NodeProcess } from '../money/node-process.ts'

type Phase = keyof typeof LIVES_MS

type Options = {
  /** How often in all. */
  kills: number
  node: NodeProcess
  chance: Random
  stopped: () => boolean
}

/** Kills come after so many milliseconds of life; a plan is made faster than it is carried out. */
const LIVES_MS = { planning: [20, 600], running: [300, 4_000] } as const
/** At most this share of the kills falls on the plan. */
const SHARE_OF_PLAN = 0.34

export const createKiller = ({ kills: most, node, chance, stopped }: Options) => {
  let kills = 0
  return {
    kills: () => kills,
    /** Kills the server, and starts it again, while something is done that has to survive that. */
    during: async <Result>(phase: Phase, work: Promise<Result>): Promise<Result> => {
      let isDone = false
      const ended = work.finally(() => (isDone = true))
      ended.catch(() => {})
      const [shortest, longest] = LIVES_MS[phase]
      const mostNow = phase === 'planning' ? Math.ceil(most * SHARE_OF_PLAN) : most
      while (!isDone && !stopped() && kills < mostNow) {
        await Promise.race([ended.catch(() => {}), sleep(chance.int(shortest, longest))])
        if (isDone) break
        await node.kill()
        kills++
        await sleep(chance.int(0, 200))
        await node.start()
      }
      return ended
    },
  }
}
