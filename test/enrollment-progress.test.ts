import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { EnrollmentView } from '../contracts/enrollment.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { anActiveEnrollment } from './support/by-system.ts'
import { enrollmentScene } from './support/enrollment-scene.ts'
import { heard, hears, type Party } from './support/money-scene.ts'

const scene = enrollmentScene()
const { becomes, begun, aCourse, aPack, modulesOf, lessons } = scene
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ admin, payer: learner } = scene.people())
})

const record = async (id: string, moduleId: string, progress: number, timeSpentSeconds?: number) => {
  const fields = timeSpentSeconds === undefined ? {} : { timeSpentSeconds }
  const { data } = await done(learner.live, 'enrollments.recordProgress', {
    id,
    moduleId,
    progress,
    ...fields,
  })
  return data as EnrollmentView
}
const refusal = (id: string, fields: object, { live }: Pick<Party, 'live'> = learner) =>
  codeOf(live, 'enrollments.recordProgress', { id, ...fields })

const aLearnerOf = async (...titles: string[]) => {
  const offeringId = await aCourse()
  const modules = await modulesOf(offeringId, ...titles)
  return { ...(await begun(offeringId)), offeringId, modules }
}

describe('progress', () => {
  it('S4.24 S4.25 S4.26 S4.35 is kept for each module, with its time, and where to go on', async () => {
    const { id, modules } = await aLearnerOf('Signs of life', 'Bleeding')
    const [first = '', second = ''] = modules
    await record(id, first, 0.75, 3_600)
    const view = await record(id, second, 0.5)
    expect(view).toMatchObject({ progress: 0.625, resumeAt: second, status: 'active' })
    const [one] = view.modules.filter(({ moduleId }) => moduleId === first)
    expect(one).toMatchObject({ progress: 0.75, timeSpentSeconds: 3_600, completedAt: null })
    expect(Date.parse(one!.lastAccessedAt)).toBeLessThanOrEqual(scene.server().clock.now())
    expect(await hears(learner, 'enrollment.progressed', id)).toMatchObject({
      data: { moduleId: first, moduleProgress: 0.75, progress: 0.375 },
    })
    // The same again is another visit, and takes nothing away.
    const again = await record(id, first, 0.75, 10)
    expect(again).toMatchObject({ progress: 0.625, resumeAt: first })
    expect(again.modules.find(({ moduleId }) => moduleId === first)).toMatchObject({
      timeSpentSeconds: 3_600,
    })
  })

  it('is none in what is removed, although the removal has not come to it yet', async () => {
    const offeringId = await aCourse()
    const [moduleId = ''] = await modulesOf(offeringId, 'Signs of life')
    await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'copied' })
    await scene.quiet()
    const of = { orgId: scene.people().orgId, userId: learner.id, offeringId }
    const { id } = await anActiveEnrollment(scene.server(), of)
    expect(await refusal(id, { moduleId, progress: 1 })).toBe('not_allowed_in_state')
    const stranger = await scene.aParty(['student'])
    expect(await refusal(id, { moduleId, progress: 1 }, stranger)).toBe('not_found')
    await becomes(id, 'active')
  })

  it('C23 has four decimals and never is more than it is', async () => {
    const { id, modules } = await aLearnerOf('One', 'Two', 'Three')
    const [moduleId = ''] = modules
    expect(await record(id, moduleId, 0.333_39)).toMatchObject({
      progress: 0.1111,
      modules: [{ progress: 0.3333 }],
    })
    expect(await record(id, moduleId, 0.999_99)).toMatchObject({
      progress: 0.3333,
      modules: [{ progress: 0.9999, completedAt: null }],
    })
  })

  it('C23 refuses what is no share, goes back or is of no module, and writes nothing', async () => {
    const { id, modules } = await aLearnerOf('One', 'Two')
    const [moduleId = ''] = modules
    await record(id, moduleId, 0.5)
    for (const progress of [1.0001, 75, -0.1, '0.5', null, Number.NaN])
      expect(await refusal(id, { moduleId, progress })).toBe('invalid_input')
    for (const timeSpentSeconds of [-1, 1.5, 1e12])
      expect(await refusal(id, { moduleId, progress: 0.6, timeSpentSeconds })).toBe('invalid_input')
    expect(await refusal(id, { moduleId, progress: 0.4999 })).toBe('progress_backwards')
    const [foreign = ''] = await modulesOf(await aCourse(), 'Of another course')
    for (const other of [foreign, randomUUID()])
      expect(await refusal(id, { moduleId: other, progress: 0.6 })).toBe('unknown_module')
    expect(await refusal(id, { moduleId, progress: 0.6, status: 'completed' })).toBe('invalid_input')
    expect(await becomes(id, 'active')).toMatchObject({
      progress: 0.25,
      modules: [{ moduleId, progress: 0.5 }],
    })
    expect(heard(learner, id).filter(({ type }) => type === 'enrollment.progressed')).toHaveLength(1)
  })

  it('C29 is for the learner to record, and for nobody else', async () => {
    const { id, modules } = await aLearnerOf('One')
    const [moduleId = ''] = modules
    for (const live of [admin.live, scene.tutor()])
      expect(await refusal(id, { moduleId, progress: 1 }, { live })).toBe('forbidden')
    const other = await scene.aParty(['student'])
    expect(await refusal(id, { moduleId, progress: 1 }, other)).toBe('not_found')
  })

  it('S4.26 completes a course when every module is done, by the rule alone', async () => {
    const { id, offeringId, modules } = await aLearnerOf('One', 'Two')
    const [first = '', second = ''] = modules
    await record(id, first, 1)
    expect(await record(id, second, 0.9999)).toMatchObject({ status: 'active', progress: 0.9999 })
    const completed = await record(id, second, 1)
    expect(completed).toMatchObject({ status: 'completed', progress: 1, endedAt: null })
    for (const { completedAt } of completed.modules) expect(completedAt).not.toBeNull()
    expect(await refusal(id, { moduleId: first, progress: 1 })).toBe('not_allowed_in_state')
    // It is not over: whoever has completed it keeps it.
    expect(await codeOf(learner.live, 'enrollments.enroll', { offeringId })).toBe('already_exists')
    expect(await codeOf(learner.live, 'enrollments.complete', { id })).not.toBe('ok')
  })

  it('S2.56 completes a pack when as many lessons were given as it takes', async () => {
    const offeringId = await aPack({ requiredClassesCount: 2 })
    const { id } = await begun(offeringId)
    await lessons(id, { completed: 1, total: 2 })
    await becomes(id, 'active')
    const { data } = await done(scene.tutor(), 'lessons.list', { enrollmentId: id, status: 'scheduled' })
    await done(scene.tutor(), 'lessons.complete', { id: data.items[0].id })
    await becomes(id, 'completed')
  })
})
