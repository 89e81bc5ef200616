import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { aCourse, aTutor, done, type Tutor } from './support/catalog-scene.ts'
import { hears, moneyScene, naira, type Party } from './support/money-scene.ts'
import { http } from './support/http.ts'

const scene = moneyScene()
let admin: Party
let learner: Party
let orgId: string
let tutor: Tutor

beforeEach(async () => {
  ;({ orgId, admin, payer: learner } = scene.people())
  tutor = await aTutor(scene.server(), { orgId, admin: admin.live })
})

const as = (person: { token: string }) => http(scene.server(), person)

const enrol = (courseId: string, fields: object = {}, person: Party = learner) =>
  as(person)('POST', '/api/enrollments/enroll', { body: { courseId, userId: person.id, ...fields } })

const pays = async (offeringId: string): Promise<string> => {
  const paymentId = await scene.aCheckout(offeringId)
  scene.paystack().pay(paymentId)
  await scene.reaches('payments', paymentId, 'settled', learner)
  return paymentId
}

describe('POST /api/enrollments/enroll', () => {
  it('S4.27 S4.34 enrols whoever has paid, once', async () => {
    const courseId = await aCourse(tutor, { price: naira(500_000) })
    const paymentId = await pays(courseId)
    const { status, body } = await enrol(courseId, { paymentId })
    expect({ status, data: body.data }).toEqual({
      status: 201,
      data: {
        enrollmentId: expect.any(String) as unknown,
        status: expect.stringMatching(/^(in_progress|pending_payment)$/) as unknown,
        message: expect.any(String) as unknown,
      },
    })
    await hears(learner, 'enrollment.activated', body.data.enrollmentId)
    const again = await enrol(courseId, { paymentId })
    expect(again).toMatchObject({
      status: 409,
      body: { status: 'error', error: { errorCode: 409, message: 'User already enrolled' } },
    })
  })

  it.each([
    ['another payment', () => ({ paymentId: randomUUID() }), 404],
    ['a malformed course', () => ({ courseId: 'first aid' }), 400],
    ['no user', () => ({ userId: undefined }), 400],
    ['an unknown field', () => ({ discount: 1 }), 400],
    ['somebody else', () => ({ userId: admin.id }), 403],
  ])('S4.27 C29 refuses %s, and writes nothing', async (_, fields, status) => {
    const courseId = await aCourse(tutor)
    expect(await enrol(courseId, fields())).toMatchObject({ status })
    const { data } = await done(admin.live, 'enrollments.list', { offeringId: courseId })
    expect(data.items).toEqual([])
  })

  it('C29 an administrator enrols somebody else', async () => {
    const courseId = await aCourse(tutor)
    const { status, body } = await as(admin)('POST', '/api/enrollments/enroll', {
      body: { courseId, userId: learner.id },
    })
    expect(status).toBe(201)
    expect(await hears(learner, 'enrollment.activated', body.data.enrollmentId)).toBeDefined()
  })
})

describe('an enrollment', () => {
  it('S4.28 C49 is shown to the learner, the tutor and administrators; for others it does not exist', async () => {
    const courseId = await aCourse(tutor)
    const { body } = await enrol(courseId)
    const { enrollmentId } = body.data
    await hears(learner, 'enrollment.activated', enrollmentId)
    for (const person of [learner, admin, tutor])
      expect((await as(person)('GET', `/api/enrollments/${enrollmentId}`)).body.data).toEqual({
        enrollmentId,
        userId: learner.id,
        courseId,
        enrollmentDate: expect.any(String) as unknown,
        status: 'in_progress',
      })
    const stranger = await scene.aParty(['student', 'instructor'])
    for (const url of [`/api/enrollments/${enrollmentId}`, `/api/progress/${enrollmentId}`])
      expect(await as(stranger)('GET', url)).toMatchObject({ status: 404 })
    expect(await as(learner)('GET', `/api/enrollments/${randomUUID()}`)).toMatchObject({ status: 404 })
  })

  it('S4.24 S4.25 S4.26 S4.35 C22 C23 keeps the progress of each module, and where to go on', async () => {
    const courseId = await aCourse(tutor)
    const modules = [{ title: 'Bleeding' }, { title: 'Burns' }]
    const { data } = await done(tutor, 'offerings.setModules', { id: courseId, modules })
    const [first, second] = data.modules.map(({ id }: { id: string }) => id)
    const { body } = await enrol(courseId)
    const { enrollmentId } = body.data
    await hears(learner, 'enrollment.activated', enrollmentId)
    const read = async () => (await as(learner)('GET', `/api/progress/${enrollmentId}`)).body.data
    expect(await read()).toMatchObject({ enrollmentId, moduleId: null, progress: 0, modules: [] })

    const update = (fields: object) =>
      as(learner)('POST', '/api/progress/update', { body: { enrollmentId, ...fields } })
    expect(await update({ moduleId: first, progress: 1, timeSpent: 60 })).toMatchObject({ status: 200 })
    const { status, body: updated } = await update({ moduleId: second, progress: 0.75, timeSpent: 3600 })
    expect({ status, data: updated.data }).toEqual({
      status: 200,
      data: { progressId: expect.any(String) as unknown, message: 'Progress updated successfully' },
    })
    const { progressId } = updated.data
    const last = { moduleId: second, progress: 0.75, timeSpent: 3600, progressId }
    expect(await read()).toMatchObject({ enrollmentId, ...last, overallProgress: 0.875 })
    expect((await read()).modules).toHaveLength(2)

    const wrong: [object, string][] = [
      [{ moduleId: second, progress: 0.7, timeSpent: 1 }, 'progress_backwards'],
      [{ moduleId: second, progress: 1.01, timeSpent: 1 }, 'invalid_input'],
      [{ moduleId: second, progress: -0.1, timeSpent: 1 }, 'invalid_input'],
      [{ moduleId: randomUUID(), progress: 0.5, timeSpent: 1 }, 'unknown_module'],
      [{ moduleId: second, progress: '0.9', timeSpent: 1 }, 'invalid_input'],
    ]
    for (const [fields, code] of wrong)
      expect(await update(fields)).toMatchObject({ status: 400, body: { error: { code } } })
    expect(await read()).toMatchObject(last)

    await update({ moduleId: second, progress: 1, timeSpent: 4000 })
    await hears(learner, 'enrollment.completed', enrollmentId)
    expect((await as(learner)('GET', `/api/enrollments/${enrollmentId}`)).body.data.status).toBe('completed')
  })
})
