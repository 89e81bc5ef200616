import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aTutor, codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { hears, type Party } from './support/money-scene.ts'
import { anOrganisation } from './support/server.ts'

const scene = enrollmentScene()
const { begun, enrol, becomes, aPack } = scene
let orgId: string
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ orgId, admin, payer: learner } = scene.people())
})

const at = (hours: number) => scene.server().clock.at(hours * 3_600_000)
const schedule = async (enrollmentId: string): Promise<string> =>
  (await done(scene.tutor(), 'lessons.schedule', { enrollmentId, startsAt: at(1) })).id

describe('a lesson', () => {
  it('S2.65 S2.68 is arranged by the tutor, and the learner and the enrollment hear of each change', async () => {
    const { id: enrollmentId } = await begun(await aPack())
    const id = await schedule(enrollmentId)
    expect(await hears(learner, 'lesson.scheduled', id)).toMatchObject({
      data: { enrollmentId, studentId: learner.id },
      view: { status: 'scheduled', tutorId: scene.tutor().id, durationMinutes: 60 },
    })
    const startsAt = at(5)
    await done(scene.tutor(), 'lessons.reschedule', { id, startsAt })
    expect(await hears(learner, 'lesson.rescheduled', id)).toMatchObject({ data: { startsAt } })
    for (const name of ['complete', 'miss'])
      expect(await codeOf(scene.tutor(), `lessons.${name}`, { id })).toBe('not_begun')
    await done(scene.tutor(), 'lessons.reschedule', { id, startsAt: at(-1) })
    await done(scene.tutor(), 'lessons.complete', { id })
    await hears(learner, 'lesson.completed', id)
    const changed = await learner.live.next(
      'enrollment.lessonChanged',
      ({ data }) => data.status === 'completed',
    )
    expect(changed).toMatchObject({ actor: { id: enrollmentId }, data: { lessonId: id } })
    for (const name of ['complete', 'miss'])
      expect(await codeOf(scene.tutor(), `lessons.${name}`, { id })).toBe('not_allowed_in_state')
  })

  it('that is called off does not count', async () => {
    const { id: enrollmentId } = await begun(await aPack({ requiredClassesCount: 1 }))
    const id = await schedule(enrollmentId)
    expect(await codeOf(scene.tutor(), 'lessons.cancel', { id })).toBe('invalid_input')
    await done(scene.tutor(), 'lessons.cancel', { id, reason: 'ill' })
    expect(await hears(learner, 'lesson.cancelled', id)).toMatchObject({
      data: { reason: 'ill' },
      view: { reason: 'ill' },
    })
    await scene.quiet()
    expect(await becomes(enrollmentId, 'active')).toMatchObject({
      lessons: [{ lessonId: id, status: 'cancelled' }],
    })
  })

  it('is for whoever is enrolled and has begun, with their own tutor', async () => {
    const { id: enrollmentId } = await begun(await aPack())
    const startsAt = at(1)
    const arrange = (live: Party['live'], fields: object) =>
      codeOf(live, 'lessons.schedule', { enrollmentId, startsAt, ...fields })
    const otherTutor = await aTutor(scene.server(), { orgId, admin: admin.live })
    const stranger = await scene.aParty(['admin'], undefined, await anOrganisation(scene.server()))
    for (const live of [otherTutor, learner.live, stranger.live])
      expect(await codeOf(live, 'lessons.schedule', { enrollmentId, startsAt })).toBe('not_found')
    expect(await arrange(admin.live, { enrollmentId: randomUUID() })).toBe('not_found')
    expect(await arrange(admin.live, {})).toBe('ok')
    for (const wrong of [
      { startsAt: 'tomorrow' },
      { startsAt: '1815-12-10T00:00:00Z' },
      { durationMinutes: 0 },
      { durationMinutes: 1e9 },
    ])
      expect(await arrange(admin.live, wrong)).toBe('invalid_input')

    const reserved = await enrol(await aPack({ price: PRICE }))
    await becomes(reserved, 'pending_payment')
    expect(await arrange(admin.live, { enrollmentId: reserved })).toBe('not_enrolled')
    await done(admin.live, 'enrollments.suspend', { id: enrollmentId, reason: 'x' })
    expect(await arrange(admin.live, {})).toBe('not_enrolled')
  })

  it('is changed by its tutor and administrators, and seen by its learner', async () => {
    const { id: enrollmentId } = await begun(await aPack())
    const id = await schedule(enrollmentId)
    const other = await scene.aParty(['student'])
    const otherTutor = await aTutor(scene.server(), { orgId, admin: admin.live })
    for (const live of [other.live, otherTutor]) {
      expect(await codeOf(live, 'lessons.get', { id })).toBe('not_found')
      expect(await codeOf(live, 'lessons.complete', { id })).toBe('not_found')
      expect((await live.subscribe({ topics: [`lesson:${id}`] })).ok).toBe(false)
    }
    expect(await codeOf(learner.live, 'lessons.get', { id })).toBe('ok')
    for (const [name, fields] of [
      ['reschedule', { startsAt: at(9) }],
      ['complete', {}],
      ['miss', {}],
      ['cancel', { reason: 'x' }],
    ] as const)
      expect(await codeOf(learner.live, `lessons.${name}`, { id, ...fields })).toBe('forbidden')
    await done(admin.live, 'lessons.reschedule', { id, startsAt: at(-1) })
    await done(admin.live, 'lessons.miss', { id })
    expect((await done(learner.live, 'lessons.list', { status: 'missed' })).data.items).toMatchObject([
      { id },
    ])
  })
})
