import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Read } from '../../actors/ports.ts'
import { removal } from '../../actors/removal.ts'
import { settlement } from '../../actors/settlement.ts'
import type { Refused } from '../../contracts/protocol.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { failureOf } from '../effects/import-part.ts'
import { resultOf, type Report } from '../effects/report.ts'

type Dependencies = {
  engine: Engine
  search: Read['search']
  count: Read['count']
  report: Report
  now: () => number
}

const Params = z.object({ removalId: z.string() })

/** So many settlements are begun at once, and so many may be under way before more are. */
const PAGE = 50
const MOST_UNDER_WAY = 200
const LOOK_MS = 200

/** What waits for the provider waits in its own line, which may take days. */
const UNDER_WAY = ['closing', 'measuring']

/**
 * Begins the settlements of a removal, a few at a time, so that whoever pays or learns meanwhile does not notice. It
 * stops where the removal is paused; whoever resumes it begins where it was left.
 */
export const createRunRemoval = (deps: Dependencies): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(200 * 2 ** attempts, 60_000),
  // As long as there are settlements.
  timeoutMs: Infinity,
  concurrency: 2,
  run: async (effect, signal) => {
    const { removalId } = Params.parse(effect.params)
    const { engine, search, count, report, now } = deps
    let after: string | undefined
    let refused: Refused | undefined
    for (;;) {
      signal.throwIfAborted()
      const found = await engine.peek(removal.contract.actor, removalId)
      if (!found) return { final: 'there is no such removal' }
      if (!isMoving(found.snapshot.value)) break
      const scopes = [{ removalId }]
      const underWay = await count(settlement, {
        scopes,
        where: [{ column: 'status', is: 'in', value: UNDER_WAY }],
      })
      if (underWay >= MOST_UNDER_WAY) {
        await sleep(LOOK_MS, undefined, { signal })
        continue
      }
      const planned = await search(settlement, {
        scopes,
        where: [{ column: 'status', is: '=', value: 'planned' }],
        after,
        limit: PAGE,
      })
      if (planned.found.length === 0 && after === undefined) break
      const replies = await Promise.all(
        planned.found.map(({ id, version }) =>
          engine.send({
            ...resultOf(effect, now),
            // One that was planned again is begun again.
            id: `effect:${effect.id}:${version}:${id}`,
            actor: { type: 'settlement', id },
            type: 'removal.run',
            payload: {},
          }),
        ),
      )
      const refusals = replies.filter((reply) => !reply.ok)
      const busy = refusals.find(isEverybodys)
      if (busy) throw failureOf(busy)
      // Whoever is behind one that cannot begin begins all the same.
      refused ??= refusals[0]
      after = planned.next
      if (after === undefined && refused) throw failureOf(refused)
    }
    return report(effect, { type: 'runner.finished' })
  },
})

/** The node is busy or stops: whoever comes next would be told the same. */
const isEverybodys = ({ error }: Refused) => ['overloaded', 'shutting_down'].includes(error.code)

/** `{ running: 'moving' }` */
const isMoving = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'running' in value && value.running === 'moving'
