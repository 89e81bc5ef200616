import type { Engine } from '../../actors/engine/engine.ts'
import type { Read } from '../../actors/ports.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createReport } from '../effects/report.ts'
import { createMeasureLessons } from './measure-lessons.ts'
import { createPlanRemoval } from './plan-removal.ts'
import { createRunRemoval } from './run-removal.ts'

type Dependencies = { engine: Engine; read: Pick<Read, 'search' | 'count'>; now: () => number }

/** What removals and their settlements want to have done, by name. */
export const removalEffects = ({ engine, read, now }: Dependencies): Record<string, EffectHandler> => {
  const { search, count } = read
  const report = createReport(engine, now)
  return {
    planRemoval: createPlanRemoval({ engine, search, report, now }),
    runRemoval: createRunRemoval({ engine, search, count, report, now }),
    measureLessons: createMeasureLessons({ search, report }),
  }
}
