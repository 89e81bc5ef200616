import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Reply } from '../../contracts/protocol.ts'
import type { EffectHandler } from './handler.ts'
import { createReport, outcomeOf, resultOf } from './report.ts'
import { sourceOf } from './tell.ts'

const TellAll = z.object({
  actor: z.string(),
  where: z.record(z.string(), z.string()),
  message: z.looseObject({ type: z.string() }),
})

/** The ids of actors with these values in their columns, in order, behind the last one of the page before. */
export type ActorIds = (page: {
  actor: string
  where: Readonly<Record<string, string>>
  after: string | undefined
  limit: number
}) => Promise<string[]>

type Dependencies = { engine: Engine; ids: ActorIds; now: () => number }

/** So many are told at once: few beside what else a node has in hand. */
const PAGE = 64

/** How long it waits for a node that is busy. Milliseconds. */
const PAUSE_MS = 250

/**
 * A message from one actor to all that its columns say, however many: whoever is made meanwhile asks by itself. One that
 * is cut off begins anew, and nobody hears it twice, because each receiver knows the message by its id. The sender hears
 * last how many there were, and that turn settles the effect.
 */
export const createTellAll = ({ engine, ids, now }: Dependencies): EffectHandler => {
  const report = createReport(engine, now)
  return {
    attempts: 20,
    backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
    // As long as there are more; each page ends by itself.
    timeoutMs: Infinity,
    concurrency: 4,
    run: async (effect, signal) => {
      const { actor, where, message } = TellAll.parse(effect.params)
      const { type, ...payload } = { ...message, source: sourceOf(effect) }
      const told = (id: string) =>
        engine.send({
          ...resultOf(effect, now),
          id: `effect:${effect.id}:${id}`,
          actor: { type: actor, id },
          type,
          payload,
        })
      let count = 0
      let refusal: Reply | undefined
      for (let after: string | undefined; ;) {
        signal.throwIfAborted()
        const page = await ids({ actor, where, after, limit: PAGE })
        const refusals = (await Promise.all(page.map(told))).filter(isRefused)
        const last = refusals.find(isLast)
        if (last) return outcomeOf(last)
        if (refusals.some(isBusy)) {
          // The same page once more: whoever has heard it knows the message.
          await sleep(PAUSE_MS, undefined, { signal })
          continue
        }
        // Whoever is behind one that cannot be told hears of it all the same.
        refusal ??= refusals[0]
        count += page.length
        if (page.length < PAGE) break
        after = page.at(-1)
      }
      if (refusal) return outcomeOf(refusal)
      return report(effect, { type: 'effect.told', count })
    },
  }
}

/** Who is not there any more need not hear of it. */
const isRefused = (reply: Reply) => !reply.ok && reply.error.code !== 'not_found'

/** This node tells nobody anything more. */
const isLast = (reply: Reply) => !reply.ok && reply.error.code === 'shutting_down'

const isBusy = (reply: Reply) => !reply.ok && reply.error.code === 'overloaded'
