import { beforeEach, expect, vi } from 'vitest'
import type { EnrollmentView } from '../../contracts/enrollment.ts'
import type { ServerOptions } from '../../src/server/options.ts'
import { aCourse, aPack, aTutor, done, type Tutor } from './catalog-scene.ts'
import { hears, moneyScene, naira, type Party } from './money-scene.ts'
import { PATIENCE } from './payment-scene.ts'

export const PRICE = naira(500_000)

/** The scene of the money tests, with a tutor whose profile is approved. */
export const enrollmentScene = (options: Partial<ServerOptions> = {}) => {
  const scene = moneyScene(options)
  let tutor: Tutor

  beforeEach(async () => {
    const { orgId, admin } = scene.people()
    tutor = await aTutor(scene.server(), { orgId, admin: admin.live })
  })

  const enrol = async (offeringId: string, { live }: Party = scene.people().payer): Promise<string> =>
    (await done(live, 'enrollments.enroll', { offeringId })).id

  const becomes = (
    id: string,
    status: string,
    { live }: Party = scene.people().payer,
  ): Promise<EnrollmentView> =>
    vi.waitFor(async () => {
      const { data } = await done(live, 'enrollments.get', { id })
      expect(data).toMatchObject({ status })
      return data
    }, PATIENCE)

  const pays = async (offeringId: string, party: Party = scene.people().payer): Promise<string> => {
    const id = await scene.aCheckout(offeringId, party)
    scene.paystack().pay(id)
    await scene.reaches('payments', id, 'settled', party)
    return id
  }

  /** Somebody is enrolled and has begun; what costs something has been paid. */
  const begun = async (offeringId: string, party: Party = scene.people().payer) => {
    const id = await enrol(offeringId, party)
    const view = await vi.waitFor(async () => {
      const { data } = await done(party.live, 'enrollments.get', { id })
      expect(['active', 'pending_payment']).toContain(data.status)
      return data
    }, PATIENCE)
    const paymentId = view.status === 'active' ? null : await pays(offeringId, party)
    await becomes(id, 'active', party)
    return { id, paymentId: paymentId ?? '' }
  }

  /** So many lessons, of which the first ones were given; the learner's enrollment has heard of all of them. */
  const lessons = async (
    enrollmentId: string,
    wanted: { completed?: number; total?: number },
  ): Promise<string[]> => {
    const completed = wanted.completed ?? 0
    const total = wanted.total ?? completed
    const ids: string[] = []
    for (let lesson = 0; lesson < total; lesson++) {
      // All have begun, so that each may be said to have been given.
      const startsAt = scene.server().clock.at(3_600_000 * (lesson - total))
      const { id } = await done(tutor, 'lessons.schedule', { enrollmentId, startsAt })
      if (lesson < completed) await done(tutor, 'lessons.complete', { id })
      ids.push(id)
    }
    await vi.waitFor(async () => {
      const { data } = await done(scene.people().admin.live, 'enrollments.get', { id: enrollmentId })
      const { lessons: known } = data as EnrollmentView
      expect(known.filter(({ status }) => status === 'completed')).toHaveLength(completed)
      expect(known).toHaveLength(total)
    }, PATIENCE)
    return ids
  }

  return {
    ...scene,
    tutor: () => tutor,
    aCourse: (others: object = {}) => aCourse(tutor, others),
    aPack: (others: object = {}) => aPack(tutor, others),
    /** A course with these modules, by their ids. */
    modulesOf: async (offeringId: string, ...titles: string[]): Promise<string[]> => {
      const modules = titles.map((title) => ({ title }))
      const { data } = await done(tutor, 'offerings.setModules', { id: offeringId, modules })
      return data.modules.map(({ id }: { id: string }) => id)
    },
    enrol,
    becomes,
    pays,
    begun,
    lessons,
    hears,
  }
}
