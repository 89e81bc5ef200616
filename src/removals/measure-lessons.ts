import { z } from 'zod'
import type { Read } from '../../actors/ports.ts'
import { lessonIdsOf, type EnrollmentContext } from '../../machines/enrollment-steps.ts'
import type { EffectHandler } from '../effects/handler.ts'
import type { Report } from '../effects/report.ts'
import { measure } from './lessons.ts'

type Dependencies = { search: Read['search']; report: Report }

const Params = z.object({ orgId: z.string(), enrollmentId: z.string(), lessonIds: z.array(z.string()) })

/** What an enrollment has been told may be a moment behind what there is. */
const ATTEMPTS = 6

/** Counts the lessons of one enrollment. What cannot be counted is said to be so, after a while: no guess, no money. */
export const createMeasureLessons = ({ search, report }: Dependencies): EffectHandler => ({
  attempts: ATTEMPTS,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 5_000),
  timeoutMs: 30_000,
  concurrency: 16,
  run: async (effect) => {
    const { orgId, enrollmentId: id, lessonIds } = Params.parse(effect.params)
    const [enrollment] = (await search('enrollment', { scopes: [{ orgId, id }], limit: 1 })).found
    // It may have heard of lessons since it told of them.
    const known = enrollment ? lessonIdsOf(enrollment.snapshot.context as EnrollmentContext) : lessonIds
    const found = (await measure(search, orgId, [{ id, lessonIds: known }])).get(id)
    if (found) return report(effect, { type: 'lessons.measured', ...found })
    return { retry: 'there are other lessons than the enrollment knows of' }
  },
  exhausted: (effect, reason) => report(effect, { type: 'lessons.unmeasurable', reason }),
})
