import { z } from 'zod'
import { enrollment } from '../../actors/enrollment.ts'
import type { Read } from '../../actors/ports.ts'
import type { Used } from '../../machines/enrollment-steps.ts'
import type { EffectHandler } from '../effects/handler.ts'
import type { Report } from '../effects/report.ts'
import { measure } from './lessons.ts'

type Dependencies = { search: Read['search']; report: Report }

const Params = z.object({ orgId: z.string(), enrollmentId: z.string() })
type Asked = z.output<typeof Params>

/** What an enrollment has been told may be a moment behind what there is. */
const ATTEMPTS = 6
/** Enrollments that are measured with one question. */
const TOGETHER = 100

/** Counts the lessons of one enrollment. What cannot be counted is said to be so, after a while: no guess, no money. */
export const createMeasureLessons = ({ search, report }: Dependencies): EffectHandler => {
  const count = createMeter(search)
  return {
    attempts: ATTEMPTS,
    backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 5_000),
    timeoutMs: 30_000,
    // They wait for each other's question and not for connections of their own.
    concurrency: 2 * TOGETHER,
    run: async (effect) => {
      const found = await count(Params.parse(effect.params))
      if (found) return report(effect, { type: 'lessons.measured', ...found })
      return { retry: 'there are other lessons than the enrollment knows of' }
    },
    exhausted: (effect, reason) => report(effect, { type: 'lessons.unmeasurable', reason }),
  }
}

type Waiting = Asked & PromiseWithResolvers<Used | undefined>

/** Thousands of enrollments of one removal ask at the same time: those who wait are asked for together. */
const createMeter = (search: Read['search']) => {
  let waiting: Waiting[] = []
  let isBusy = false

  const work = async () => {
    isBusy = true
    while (waiting.length > 0) {
      const [{ orgId }] = waiting as [Waiting]
      const part = waiting.filter((one) => one.orgId === orgId).slice(0, TOGETHER)
      waiting = waiting.filter((one) => !part.includes(one))
      try {
        const measured = await measureAll(search, orgId, part)
        for (const { enrollmentId, resolve } of part) resolve(measured.get(enrollmentId))
      } catch (error) {
        for (const { reject } of part) reject(error)
      }
    }
    isBusy = false
  }

  return (asked: Asked): Promise<Used | undefined> => {
    const answer = Promise.withResolvers<Used | undefined>()
    waiting.push({ ...asked, ...answer })
    if (!isBusy) void work()
    return answer.promise
  }
}

const measureAll = async (search: Read['search'], orgId: string, asked: readonly Asked[]) => {
  const ids = asked.map(({ enrollmentId }) => enrollmentId)
  const { found } = await search(enrollment, {
    scopes: [{ orgId }],
    where: [{ column: 'id', is: 'in', value: ids }],
    limit: ids.length,
  })
  // It may have heard of lessons since it told of them, so what it knows now counts.
  const enrollments = found.map(({ id, snapshot }) => ({ id, of: snapshot.context }))
  return measure(search, orgId, enrollments)
}
