import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { createImportStore } from '../../../persistence/imports.ts'
import { aCertificate, aCompletedEnrollment } from '../by-system.ts'
import { days } from '../clock.ts'
import {
  WHO_MAY_SEE,
  IN_CHARGE,
  ADMIN,
  IN_CHARGE_OR_SELF,
  OPERATORS_AND_OWNER,
  SELF,
  ADMIN_NOT_SELF,
  EVERYBODY,
  ANY_ADMIN,
} from './verdicts.ts'
import { aCertification, aMentor, dates, type Target, type Rule, type World } from './world.ts'

const anUpload = async ({ orgId, coordinatorId }: Target, { server }: World) => {
  const id = randomUUID()
  const createdAt = new Date(server.now())
  await createImportStore(server.database).save({ id, orgId, userId: coordinatorId, createdAt }, [])
  return { id }
}

/** An import that the coordinator has started. */
export const anImport = async (target: Target, world: World) => {
  const upload = await anUpload(target, world)
  const owner = world.clients.get(target.coordinatorId)!
  expect(await owner.call('imports.start', upload)).toMatchObject({ ok: true })
  return upload
}

export const CERTIFICATION_RULES: Record<string, Rule> = {
  'certificates.issue': {
    // Who asks for somebody else is told no, whoever that is.
    verdicts: {
      ...ADMIN_NOT_SELF,
      self: 'ok',
      csm: 'forbidden',
      inCharge: 'forbidden',
      nobody: 'forbidden',
      stranger: 'forbidden',
    },
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: (target, { server }) => aCompletedEnrollment(server, target),
    names: 'userId',
  },
  'certificates.renew': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, world) => ({
      ...(await aCertificate(world.server, target)),
      issuedAt: world.server.clock.at(),
      expiresAt: world.server.clock.at(days(200)),
    }),
  },
  'certificates.suspend': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({ ...(await aCertificate(server, target)), reason: 'lost' }),
  },
  'certificates.reinstate': {
    verdicts: ADMIN_NOT_SELF,
    payload: (target, { server }) =>
      aCertificate(server, target, { type: 'suspend', reason: 'lost', noticeId: randomUUID() }),
  },
  'certificates.revoke': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({ ...(await aCertificate(server, target)), reason: 'forged' }),
  },
  'certificates.setShowName': {
    verdicts: SELF,
    payload: async (target, { server }) => ({ ...(await aCertificate(server, target)), showName: true }),
  },
  'certificates.get': {
    verdicts: WHO_MAY_SEE,
    payload: (target, { server }) => aCertificate(server, target),
  },
  'certificates.journal': {
    verdicts: WHO_MAY_SEE,
    payload: (target, { server }) => aCertificate(server, target),
  },
  'certificates.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'certifications.issue': {
    verdicts: IN_CHARGE,
    payload: ({ mentorId }, world) => ({ mentorId, certType: 'other', ...dates(world) }),
    names: 'mentorId',
  },
  'certifications.renew': {
    verdicts: IN_CHARGE,
    payload: async (target, world) => ({ ...(await aCertification(target, world)), ...dates(world) }),
  },
  'certifications.suspend': {
    verdicts: IN_CHARGE,
    payload: async (target, world) => ({ ...(await aCertification(target, world)), reason: 'lost' }),
  },
  'certifications.reinstate': {
    verdicts: IN_CHARGE,
    payload: async (target, world) => {
      const certification = await aCertification(target, world)
      await world.boss.call('certifications.suspend', { ...certification, reason: 'lost' })
      return certification
    },
  },
  'certifications.revoke': {
    verdicts: ADMIN,
    payload: async (target, world) => ({ ...(await aCertification(target, world)), reason: 'forged' }),
  },
  'certifications.correct': {
    verdicts: ADMIN,
    payload: async (target, world) => ({
      ...(await aCertification(target, world)),
      certType: 'corrected',
      reason: 'misread',
    }),
  },
  'certifications.get': { verdicts: WHO_MAY_SEE, payload: ({ certificationId: id }) => ({ id }) },
  'certifications.journal': { verdicts: WHO_MAY_SEE, payload: ({ certificationId: id }) => ({ id }) },
  'certifications.status': {
    verdicts: WHO_MAY_SEE,
    payload: ({ mentorId }) => ({ mentorId }),
    names: 'mentorId',
  },
  'certifications.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'certifications.expiring': { verdicts: EVERYBODY, payload: () => ({ withinDays: 300 }), names: '' },
  'certifications.forecast': { verdicts: EVERYBODY, payload: () => ({ withinDays: 300 }), names: '' },
  'mentors.register': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: ({ userId, coordinatorId }) => ({ userId, coordinatorId }),
    names: 'userId',
  },
  'mentors.pause': {
    verdicts: IN_CHARGE_OR_SELF,
    payload: async (target, world) => ({ ...(await aMentor(target, world)), reason: 'holiday' }),
  },
  'mentors.resume': {
    verdicts: IN_CHARGE_OR_SELF,
    payload: async (target, world) => {
      const mentor = await aMentor(target, world)
      const self = world.clients.get(target.userId)!
      expect(await self.call('mentors.pause', { ...mentor, reason: 'holiday' })).toMatchObject({ ok: true })
      return mentor
    },
  },
  'mentors.get': { verdicts: WHO_MAY_SEE, payload: ({ mentorId: id }) => ({ id }) },
  'mentors.journal': { verdicts: WHO_MAY_SEE, payload: ({ mentorId: id }) => ({ id }) },
  'mentors.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'imports.start': {
    // An upload belongs to one user, whatever others may do.
    verdicts: { ...OPERATORS_AND_OWNER, admin: 'not_found', csm: 'not_found' },
    payload: anUpload,
  },
  'imports.get': { verdicts: OPERATORS_AND_OWNER, payload: anImport },
  'imports.journal': { verdicts: OPERATORS_AND_OWNER, payload: anImport },
  'imports.report': { verdicts: OPERATORS_AND_OWNER, payload: anImport },
  'imports.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  // The last one: from then on another coordinator reads what belongs to the mentor's user.
  'mentors.reassign': {
    verdicts: ADMIN,
    payload: async (target, world) => ({
      ...(await aMentor(target, world)),
      coordinatorId: world.otherCoordinator.id,
    }),
  },
}
