import { expect, vi } from 'vitest'
import {
  aLesson,
  anActiveEnrollment,
  anEnrollmentToDecideOn,
  aPaidEnrollment,
  aPlannedRemoval,
  aRoster,
  aRunningRemoval,
  aStuckSettlement,
  aSuspendedEnrollment,
} from '../by-system.ts'
import { aCourse, aPack, done } from '../catalog-scene.ts'
import { days } from '../clock.ts'
import {
  WHO_MAY_SEE,
  OPERATORS,
  ADMIN_OF_OPERATORS,
  OPERATORS_AND_SELF,
  SELF,
  ADMIN_NOT_SELF,
  EVERYBODY,
  NOT_THERE,
  INSIDERS,
  ANY_ADMIN,
} from './verdicts.ts'
import type { Target, Rule, World } from './world.ts'

/** The mentor has begun a course with one module. */
const aCourseOfOwn = async ({ userId }: Target, { teacher, clients }: World) => {
  const offeringId = await aCourse(teacher)
  const modules = [{ title: 'The only one' }]
  const { data } = await done(teacher, 'offerings.setModules', { id: offeringId, modules })
  const learner = clients.get(userId)!
  const { id } = await done(learner, 'enrollments.enroll', { offeringId })
  await vi.waitFor(
    async () => expect(await done(learner, 'enrollments.get', { id })).toMatchObject({ state: 'active' }),
    { timeout: 20_000, interval: 20 },
  )
  return { id, moduleId: data.modules[0].id, progress: 0.5 }
}

export const LEARNING_RULES: Record<string, Rule> = {
  'enrollments.enroll': {
    verdicts: INSIDERS,
    payload: async (_, { teacher }) => ({ offeringId: await aPack(teacher) }),
    names: 'offeringId',
  },
  'enrollments.drop': { verdicts: SELF, payload: (target, { server }) => anActiveEnrollment(server, target) },
  'enrollments.recordProgress': { verdicts: SELF, payload: aCourseOfOwn },
  'enrollments.suspend': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({
      ...(await anActiveEnrollment(server, target)),
      reason: 'asked about',
    }),
  },
  'enrollments.resume': {
    verdicts: ADMIN_NOT_SELF,
    payload: (target, { server }) => aSuspendedEnrollment(server, target),
  },
  'enrollments.requestRefund': {
    verdicts: SELF,
    payload: async (target, { server }) => ({
      ...(await aPaidEnrollment(server, target)),
      reason: 'not for me',
    }),
  },
  'enrollments.approveRefund': {
    verdicts: ADMIN_NOT_SELF,
    payload: (target, { server }) => anEnrollmentToDecideOn(server, target),
  },
  'enrollments.rejectRefund': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({
      ...(await anEnrollmentToDecideOn(server, target)),
      note: 'too late',
    }),
  },
  'enrollments.get': {
    verdicts: WHO_MAY_SEE,
    payload: (target, { server }) => anActiveEnrollment(server, target),
  },
  'enrollments.journal': {
    verdicts: WHO_MAY_SEE,
    payload: (target, { server }) => anActiveEnrollment(server, target),
  },
  'enrollments.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'lessons.schedule': {
    verdicts: { ...NOT_THERE, admin: 'ok' },
    payload: async (target, { server }) => ({
      enrollmentId: (await anActiveEnrollment(server, target)).id,
      startsAt: server.clock.at(days(1)),
    }),
    names: 'enrollmentId',
  },
  'lessons.reschedule': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({
      ...(await aLesson(server, target)),
      startsAt: server.clock.at(days(2)),
    }),
  },
  'lessons.complete': { verdicts: ADMIN_NOT_SELF, payload: (target, { server }) => aLesson(server, target) },
  'lessons.miss': { verdicts: ADMIN_NOT_SELF, payload: (target, { server }) => aLesson(server, target) },
  'lessons.cancel': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({ ...(await aLesson(server, target)), reason: 'ill' }),
  },
  'lessons.get': { verdicts: OPERATORS_AND_SELF, payload: (target, { server }) => aLesson(server, target) },
  'lessons.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aLesson(server, target),
  },
  'lessons.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'rosters.get': { verdicts: OPERATORS, payload: ({ orgId }, { server }) => aRoster(server, orgId) },
  'rosters.journal': { verdicts: OPERATORS, payload: ({ orgId }, { server }) => aRoster(server, orgId) },
  'rosters.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'removals.plan': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: async (_, { teacher }) => ({ offeringId: await aPack(teacher), reason: 'taken down' }),
    names: 'offeringId',
  },
  'removals.run': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: ({ orgId }, { server }) => aPlannedRemoval(server, orgId),
  },
  'removals.pause': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: ({ orgId }, { server }) => aRunningRemoval(server, orgId),
  },
  'removals.resume': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: ({ orgId }, { server }) => aRunningRemoval(server, orgId, { type: 'pause' }),
  },
  'removals.discard': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: ({ orgId }, { server }) => aPlannedRemoval(server, orgId),
  },
  'removals.get': { verdicts: OPERATORS, payload: ({ orgId }, { server }) => aPlannedRemoval(server, orgId) },
  'removals.journal': {
    verdicts: OPERATORS,
    payload: ({ orgId }, { server }) => aPlannedRemoval(server, orgId),
  },
  'removals.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'settlements.retry': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: (target, { server }) => aStuckSettlement(server, target),
  },
  'settlements.resolve': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, { server }) => ({
      ...(await aStuckSettlement(server, target)),
      as: 'cancelled',
      note: 'by hand',
    }),
  },
  'settlements.get': {
    verdicts: OPERATORS,
    payload: (target, { server }) => aStuckSettlement(server, target),
  },
  'settlements.journal': {
    verdicts: OPERATORS,
    payload: (target, { server }) => aStuckSettlement(server, target),
  },
  'settlements.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
}
