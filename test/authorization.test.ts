import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { actors } from '../actors/registry.ts'
import { createImportStore } from '../persistence/imports.ts'
import { createPrices } from '../persistence/prices.ts'
import { catalogActors } from '../src/gateway/catalog/business-calls.ts'
import { routesOf } from '../src/gateway/routes.ts'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'
import {
  aDeadLetter,
  aDispute,
  aFailedPayment,
  aLesson,
  aLostRefund,
  anActiveEnrollment,
  anEnrollmentToDecideOn,
  aNotification,
  anOpenPayment,
  aPaidEnrollment,
  aPlannedRemoval,
  aPurchase,
  aRequestedRefund,
  aRoster,
  aRunningRemoval,
  aSettledPayment,
  aStuckRefund,
  aStuckSettlement,
  aSuspendedEnrollment,
  PRICE,
} from './support/by-system.ts'
import { aCourse, aPack, aTutor, done } from './support/catalog-scene.ts'
import { days } from './support/clock.ts'
import { http } from './support/http.ts'
import {
  anOrganisation,
  aServer,
  aTeam,
  aUser,
  connect,
  type Client,
  type TestServer,
} from './support/server.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
const PATIENCE = { timeout: 300_000 }

/**
 * What somebody is to a mentor, to the mentor's certifications and payments, and to what the mentor's coordinator has
 * started.
 */
type Relation = 'admin' | 'csm' | 'inCharge' | 'self' | 'nobody' | 'stranger' | 'strangeAdmin'
type Verdict = 'ok' | 'forbidden' | 'not_found'
type Verdicts = Record<Relation, Verdict>

const UNKNOWN = { nobody: 'not_found', stranger: 'not_found', strangeAdmin: 'not_found' } as const
const WHO_MAY_SEE: Verdicts = { admin: 'ok', csm: 'ok', inCharge: 'ok', self: 'ok', ...UNKNOWN }
const IN_CHARGE: Verdicts = { ...WHO_MAY_SEE, csm: 'forbidden', self: 'forbidden' }
const ADMIN: Verdicts = { ...IN_CHARGE, inCharge: 'forbidden' }
const IN_CHARGE_OR_SELF: Verdicts = { ...IN_CHARGE, self: 'ok' }
const OPERATORS_AND_OWNER: Verdicts = { ...WHO_MAY_SEE, self: 'not_found' }
const OPERATORS: Verdicts = { ...OPERATORS_AND_OWNER, inCharge: 'not_found' }
const ADMIN_OF_OPERATORS: Verdicts = { ...OPERATORS, csm: 'forbidden' }
const OPERATORS_AND_SELF: Verdicts = { ...OPERATORS, self: 'ok' }
const ADMIN_AND_SELF: Verdicts = { ...OPERATORS_AND_SELF, csm: 'forbidden' }
const SELF: Verdicts = { ...OPERATORS_AND_SELF, admin: 'forbidden', csm: 'forbidden' }
/** Administrators decide for others; whom it concerns is told no. */
const ADMIN_NOT_SELF: Verdicts = { ...ADMIN_AND_SELF, self: 'forbidden' }
const EVERYBODY: Verdicts = { ...WHO_MAY_SEE, nobody: 'ok', stranger: 'ok', strangeAdmin: 'ok' }
const NOT_THERE: Verdicts = {
  admin: 'not_found',
  csm: 'not_found',
  inCharge: 'not_found',
  self: 'not_found',
  ...UNKNOWN,
}
/** Of the organisation. */
const INSIDERS: Verdicts = { ...EVERYBODY, stranger: 'not_found', strangeAdmin: 'not_found' }
/** What addresses nobody who is there already: only administrators get as far as the ids. */
const ANY_ADMIN: Verdicts = { ...ADMIN, self: 'forbidden', nobody: 'forbidden', stranger: 'forbidden' }

type Target = {
  orgId: string
  mentorId: string
  certificationId: string
  coordinatorId: string
  userId: string
}

/** One command or query: who may, and how it is asked for a target, which everything that it needs is prepared for. */
type Rule = {
  verdicts: Verdicts
  /** For an id that there is not: what those hear who may not know that either. */
  absent?: Verdicts
  payload: (target: Target, world: World) => Promise<object> | object
  /** The field that names the target; none for what addresses nobody. */
  names?: string
}

const dates = ({ server }: World) => ({
  issuedAt: server.clock.at(-days(1)),
  expiresAt: server.clock.at(days(200)),
})

const aCertification = async ({ mentorId }: Target, world: World): Promise<{ id: string }> => {
  const { ok, id } = await world.boss.call('certifications.issue', {
    mentorId,
    certType: 'other',
    ...dates(world),
  })
  expect(ok).toBe(true)
  return { id }
}

const aMentor = async ({ userId, coordinatorId }: Target, { boss }: World): Promise<{ id: string }> => {
  const { ok, id } = await boss.call('mentors.register', { userId, coordinatorId })
  expect(ok).toBe(true)
  return { id }
}

const anUpload = async ({ orgId, coordinatorId }: Target, { server }: World) => {
  const id = randomUUID()
  const createdAt = new Date(server.now())
  await createImportStore(server.database).save({ id, orgId, userId: coordinatorId, createdAt }, [])
  return { id }
}

/** An import that the coordinator has started. */
const anImport = async (target: Target, world: World) => {
  const upload = await anUpload(target, world)
  const owner = world.clients.get(target.coordinatorId)!
  expect(await owner.call('imports.start', upload)).toMatchObject({ ok: true })
  return upload
}

/** Something that can be bought. */
const anOffering = async ({ orgId }: Target, { server }: World) => {
  const offeringId = randomUUID()
  const price = { offeringId, orgId, title: 'A course', amount: PRICE }
  const updatedAt = new Date(server.now())
  expect(
    await createPrices(server.database).set({ ...price, active: true, by: randomUUID(), updatedAt }),
  ).toBe(true)
  return { offeringId }
}

const aLetter = async ({ orgId }: Target, { server }: World) => ({
  id: (await aDeadLetter(server, orgId)).id,
})

const EVIDENCE = {
  customerEmail: 'customer@example.test',
  customerName: 'A customer',
  customerPhone: '+2348012345678',
  serviceDetails: 'A course that was taken',
}

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

const RULES: Record<string, Rule> = {
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
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => anActiveEnrollment(server, target),
  },
  'enrollments.journal': {
    verdicts: OPERATORS_AND_SELF,
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
  'notifications.markRead': {
    verdicts: { ...NOT_THERE, self: 'ok' },
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.get': {
    verdicts: { ...NOT_THERE, self: 'ok' },
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.journal': {
    verdicts: { ...NOT_THERE, self: 'ok' },
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
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
  'mentors.reassign': {
    verdicts: ADMIN,
    payload: async (target, world) => ({
      ...(await aMentor(target, world)),
      coordinatorId: world.otherCoordinator.id,
    }),
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
  'payments.initiate': {
    verdicts: INSIDERS,
    payload: async (target, world) => ({ ...(await anOffering(target, world)), method: 'paystack' }),
    names: 'offeringId',
  },
  'payments.verify': {
    verdicts: ADMIN_AND_SELF,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.cancel': {
    verdicts: ADMIN_AND_SELF,
    payload: (target, { server }) => anOpenPayment(server, target),
  },
  'payments.requestRefund': {
    verdicts: ADMIN_AND_SELF,
    payload: async (target, { server }) => ({
      ...(await aSettledPayment(server, target)),
      full: true,
      reason: 'I changed my mind',
    }),
  },
  'payments.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'purchases.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aPurchase(server, target),
  },
  'purchases.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aPurchase(server, target),
  },
  'purchases.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'refunds.approve': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.reject': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({
      ...(await aRequestedRefund(server, target)),
      reason: 'too late',
    }),
  },
  'refunds.resubmit': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({ ...(await aLostRefund(server, target)), reason: 'lost' }),
  },
  'refunds.resolve': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({
      ...(await aLostRefund(server, target)),
      as: 'processed',
      reason: 'given back by hand',
    }),
  },
  'refunds.submitBankDetails': {
    verdicts: ADMIN_AND_SELF,
    payload: async (target, { server }) => ({
      ...(await aStuckRefund(server, target)),
      accountNumber: '0123456789',
      bankId: '9',
    }),
  },
  'refunds.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'disputes.submitEvidence': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, { server }) => ({ ...(await aDispute(server, target)), ...EVIDENCE }),
  },
  'disputes.accept': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: (target, { server }) => aDispute(server, target),
  },
  'disputes.get': { verdicts: OPERATORS, payload: (target, { server }) => aDispute(server, target) },
  'disputes.journal': { verdicts: OPERATORS, payload: (target, { server }) => aDispute(server, target) },
  'disputes.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'dead-letters.retry': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, world) => ({ ...(await aLetter(target, world)), reason: 'once more' }),
  },
  'dead-letters.discard': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, world) => ({ ...(await aLetter(target, world)), reason: 'done by hand' }),
  },
  'dead-letters.get': { verdicts: OPERATORS, payload: aLetter },
  'dead-letters.journal': { verdicts: OPERATORS, payload: aLetter },
  'dead-letters.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
}

type World = Omit<Awaited<ReturnType<typeof aWorld>>, 'usual' | 'others' | 'callers'>

/** One organisation in which everybody is somebody else, and another one. */
const aWorld = async () => {
  const secretKey = 'sk_test_0123456789abcdef'
  const provider = await createSimulator({ port: 0, host: '127.0.0.1', secretKey, now: Date.now })
  onTestFinished(provider.close)
  const server = await aServer({ paystack: { url: provider.url, secretKey } })
  const team = await aTeam(server)
  const { orgId, adminClient: boss } = team
  const elsewhere = await anOrganisation(server)
  const person = (roles: Role[], org = orgId) => aUser(server, roles, org)
  const [
    csm,
    otherCoordinator,
    otherMentor,
    student,
    instructor,
    many,
    nobodyYet,
    strangeAdmin,
    strangeCoordinator,
    strangeMentor,
  ] = await Promise.all([
    person(['csm']),
    person(['coordinator']),
    person(['peer_mentor']),
    person(['student']),
    person(['instructor']),
    person(['student', 'peer_mentor', 'coordinator']),
    person([]),
    person(['admin', 'csm', 'coordinator', 'peer_mentor'], elsewhere),
    person(['coordinator'], elsewhere),
    person(['peer_mentor'], elsewhere),
  ])
  const everybody = [
    [team.admin, team.coordinator, team.mentorUser, csm, otherCoordinator, otherMentor, student, instructor],
    [many, nobodyYet, strangeAdmin, strangeCoordinator, strangeMentor],
  ].flat()
  const clients = new Map<string, Client>()
  for (const one of everybody) clients.set(one.id, await connect(server, one))
  const teacher = await aTutor(server, { orgId, admin: boss })
  const people = new Map(everybody.map((one) => [one.id, one]))
  const world = {
    people,
    server,
    ...team,
    boss,
    teacher,
    elsewhere,
    otherCoordinator,
    otherMentor,
    student,
    many,
    clients,
  }

  const aTarget = async (userId: string, coordinatorId: string): Promise<Target> => {
    const target = { orgId, mentorId: '', certificationId: '', coordinatorId, userId }
    target.mentorId = (await aMentor(target, world)).id
    target.certificationId = (await aCertification(target, world)).id
    return target
  }
  const usual = await aTarget(team.mentorUser.id, team.coordinator.id)
  const others = await aTarget(otherMentor.id, otherCoordinator.id)
  const callers: [string, Relation, string, Target][] = [
    ['an administrator', 'admin', team.admin.id, usual],
    ['a success manager', 'csm', csm.id, usual],
    ['the coordinator in charge', 'inCharge', team.coordinator.id, usual],
    ['another coordinator', 'nobody', otherCoordinator.id, usual],
    ['the mentor', 'self', team.mentorUser.id, usual],
    ['another mentor', 'nobody', otherMentor.id, usual],
    ['a student', 'nobody', student.id, usual],
    ['an instructor', 'nobody', instructor.id, usual],
    ['a user without roles', 'nobody', nobodyYet.id, usual],
    ['a user of many roles, elsewhere in the organisation', 'nobody', many.id, usual],
    ['a user of many roles, as coordinator', 'inCharge', many.id, await aTarget(otherMentor.id, many.id)],
    ['a user of many roles, as mentor', 'self', many.id, await aTarget(many.id, team.coordinator.id)],
    ['an administrator of another organisation', 'strangeAdmin', strangeAdmin.id, usual],
    ['a coordinator of another organisation', 'stranger', strangeCoordinator.id, usual],
    ['a mentor of another organisation', 'stranger', strangeMentor.id, usual],
  ]
  return { ...world, usual, others, callers }
}

const FOR_OPERATORS = routesOf(actors.filter(({ contract }) => contract.audience === 'operators'))

/** Everybody asks in `/live`, and over HTTP for what is not there: only operators come into `/admin`. */
const ask = async ({ server, clients, people }: World, userId: string, name: string, payload: object) => {
  const route = FOR_OPERATORS.find(({ operationId }) => operationId === name)
  if (!route) return clients.get(userId)!.call(name, payload)
  const { id = '', ...fields } = payload as { id?: string }
  const { method, url } = route
  const body = method === 'GET' ? {} : { body: fields }
  const answer = await http(server, people.get(userId))(method, url.replace(':id', id), body)
  if (answer.body.status === 'success') return { ok: true }
  const { code, message } = answer.body.error
  return { ok: false, error: { code, message } }
}

const verdictOf = ({ ok, error }: { ok: boolean; error?: { code: string; message: string } }) =>
  ok ? 'ok' : error!.code

const headOf = async ({ database }: TestServer) => {
  const [row] = await database.sql.query<{ head: number }>(
    { name: 'head', text: 'select position::int as head from journal_head' },
    [],
  )
  return row!.head
}

describe('each command and query', () => {
  // The catalogue's, which is for everybody, have a table of their own: catalog-access.ts.
  const others = actors.filter((definition) => !catalogActors.includes(definition))
  const names = others.flatMap(({ contract: { namespace, commands, queries } }) =>
    Object.keys({ ...commands, ...queries }).map((name) => `${namespace}.${name}`),
  )

  it('has a rule here', () => expect(Object.keys(RULES).toSorted()).toEqual(names.toSorted()))

  it('is for those whom the rule names', PATIENCE, async () => {
    const world = await aWorld()
    for (const [name, { verdicts, absent = NOT_THERE, payload, names: field = 'id' }] of Object.entries(
      RULES,
    ))
      for (const [who, relation, userId, target] of world.callers) {
        const asked = await payload(target, world)
        const answer = await ask(world, userId, name, asked)
        expect([name, who, verdictOf(answer)]).toEqual([name, who, verdicts[relation]])
        if (field === '') continue

        const nothing = await ask(world, userId, name, { ...asked, [field]: randomUUID() })
        expect([name, who, verdictOf(nothing)]).toEqual([name, who, absent[relation]])
        // What one may not know of and what there is not are one answer.
        if (verdicts[relation] === 'not_found') expect([name, who, nothing]).toEqual([name, who, answer])
      }
  })

  it('that is refused writes nothing', PATIENCE, async () => {
    const world = await aWorld()
    for (const [name, { verdicts, payload }] of Object.entries(RULES))
      for (const [who, relation, userId, target] of world.callers) {
        if (verdicts[relation] === 'ok' || name === 'mentors.register') continue
        const asked = await payload(target, world)
        const before = await commandsIn(world.server)
        await ask(world, userId, name, asked)
        expect([name, who, await commandsIn(world.server)]).toEqual([name, who, before])
      }
  })

  it('answers with the commands that the caller may send', PATIENCE, async () => {
    const { callers, clients } = await aWorld()
    const allowed: Record<Relation, string[] | undefined> = {
      admin: ['renew', 'suspend', 'revoke', 'correct'],
      inCharge: ['renew', 'suspend'],
      csm: [],
      self: [],
      nobody: undefined,
      stranger: undefined,
      strangeAdmin: undefined,
    }
    for (const [who, relation, userId, { certificationId: id }] of callers)
      expect([who, (await clients.get(userId)!.call('certifications.get', { id })).allowed]).toEqual([
        who,
        allowed[relation],
      ])
  })
})

/** Turns that somebody wanted; what the system does meanwhile is no concern of a refusal. */
const commandsIn = async ({ database }: TestServer) => {
  const [row] = await database.sql.query<{ commands: number }>(
    { name: 'commands', text: `select count(*)::int as commands from journal where cause = 'command'` },
    [],
  )
  return row!.commands
}

describe('each topic', () => {
  const ALLOWED: Record<
    string,
    { of: (target: Target, world: World) => string | Promise<string>; relations: Relation[] }
  > = {
    certification: {
      of: ({ certificationId }) => certificationId,
      relations: ['admin', 'csm', 'inCharge', 'self'],
    },
    mentor: { of: ({ mentorId }) => mentorId, relations: ['admin', 'csm', 'inCharge', 'self'] },
    import: {
      of: async (target, world) => (await anImport(target, world)).id,
      relations: ['admin', 'csm', 'inCharge'],
    },
    user: { of: ({ userId }) => userId, relations: ['admin', 'csm', 'self'] },
    coordinator: { of: ({ coordinatorId }) => coordinatorId, relations: ['admin', 'csm', 'inCharge'] },
    org: { of: ({ orgId }) => orgId, relations: ['admin', 'csm'] },
    finance: { of: ({ orgId }) => orgId, relations: ['admin', 'csm'] },
    payment: {
      of: async (target, { server }) => (await aFailedPayment(server, target)).id,
      relations: ['admin', 'csm', 'self'],
    },
    purchase: {
      of: async (target, { server }) => (await aPurchase(server, target)).id,
      relations: ['admin', 'csm', 'self'],
    },
    refund: {
      of: async (target, { server }) => (await aRequestedRefund(server, target)).id,
      relations: ['admin', 'csm', 'self'],
    },
    dispute: {
      of: async (target, { server }) => (await aDispute(server, target)).id,
      relations: ['admin', 'csm'],
    },
    deadLetter: {
      of: async (target, world) => (await aLetter(target, world)).id,
      relations: ['admin', 'csm'],
    },
    tutorProfile: {
      of: async (_, world) => (await aPendingTutor(world)).profileId,
      relations: ['admin', 'csm'],
    },
    offering: {
      of: async (_, world) => aPack(await aPendingTutor(world)),
      relations: ['admin', 'csm'],
    },
    material: {
      of: async (_, world) => {
        const tutor = await aPendingTutor(world)
        return (await done(tutor, 'materials.create', { offeringId: await aPack(tutor) })).id
      },
      relations: ['admin'],
    },
    category: {
      of: async (_, { boss }) =>
        (await done(boss, 'categories.create', { name: `Of ${randomUUID().slice(1)}` })).id,
      relations: ['admin', 'csm', 'inCharge', 'self', 'nobody'],
    },
    enrollment: {
      of: async (target, { server }) => (await anActiveEnrollment(server, target)).id,
      relations: ['admin', 'csm', 'self'],
    },
    course: { of: (_, { teacher }) => aPack(teacher), relations: ['admin', 'csm'] },
    lesson: {
      of: async (target, { server }) => (await aLesson(server, target)).id,
      relations: ['admin', 'csm', 'self'],
    },
    roster: {
      of: async ({ orgId }, { server }) => (await aRoster(server, orgId)).id,
      relations: ['admin', 'csm'],
    },
    removal: {
      of: async ({ orgId }, { server }) => (await aPlannedRemoval(server, orgId)).id,
      relations: ['admin', 'csm'],
    },
    settlement: {
      of: async (target, { server }) => (await aStuckSettlement(server, target)).id,
      relations: ['admin', 'csm'],
    },
    notification: {
      of: async (target, { server }) => (await aNotification(server, target)).id,
      relations: ['self'],
    },
  }

  /** What is this tutor's nobody sees yet but operators. */
  const aPendingTutor = ({ server, orgId, boss: admin }: World) =>
    aTutor(server, { orgId, admin, approved: false })

  it('has a rule here', () => {
    const names = actors.flatMap(({ topics, contract }) => [...Object.keys(topics), contract.actor])
    expect(new Set(Object.keys(ALLOWED))).toEqual(new Set(names))
  })

  const kinds = Object.entries(ALLOWED)

  // In parts: one user may not make so many subscriptions within a minute.
  it.each([0, 6, 12, 18].map((from) => [kinds.slice(from, from + 6)]))(
    'is for those whom the rule names; a call that asks for a forbidden one joins none',
    PATIENCE,
    async (part) => {
      const world = await aWorld()
      for (const [kind, { of, relations }] of part)
        for (const [who, relation, userId, target] of world.callers) {
          const client = world.clients.get(userId)!
          const topic = `${kind}:${await of(target, world)}`
          const own = `user:${userId}`
          const forbidden = { ok: false, error: { code: 'forbidden' } }
          const expected = relations.includes(relation) ? { ok: true } : forbidden
          // A user of many roles has both relations to what is its own.
          const isOwn = topic === own || (kind === 'coordinator' && target.coordinatorId === userId)
          const answer = await client.subscribe({ topics: [topic] })
          expect([topic, who, answer]).toMatchObject([topic, who, isOwn ? { ok: true } : expected])
          const left = { data: { topics: [] } }
          expect(await client.call('unsubscribe', { topics: [topic, own] })).toMatchObject(left)
          const wrong = [`${kind}:${randomUUID()}`, `payment:${randomUUID()}`, ...(answer.ok ? [] : [topic])]
          for (const one of wrong)
            for (const position of [{}, { after: 0 }])
              expect([one, who, await client.subscribe({ topics: [own, one], ...position })]).toMatchObject([
                one,
                who,
                forbidden,
              ])
          expect(await client.call('unsubscribe', { topics: wrong })).toMatchObject(left)
        }
    },
  )

  it('is guarded in every namespace', PATIENCE, async () => {
    const { server, usual, student, otherCoordinator, coordinator } = await aWorld()
    const namespaces = Object.keys(RULES).map((rule) => rule.slice(0, rule.indexOf('.')))
    for (const name of new Set([...namespaces, 'catalog'])) {
      // What is for operators only has no namespace of its own.
      const namespace = name === 'dead-letters' || name === 'rosters' ? '/live' : `/${name}`
      const topics = [`mentor:${usual.mentorId}`]
      for (const person of [student, otherCoordinator])
        expect(await (await connect(server, person, namespace)).subscribe({ topics })).toMatchObject({
          error: { code: 'forbidden' },
        })
      expect(
        await (
          await connect(server, coordinator, namespace)
        ).subscribe({ topics: [`coordinator:${coordinator.id}`] }),
      ).toMatchObject({ ok: true })
    }
  })
})

describe('a coordinator', () => {
  type Heard = {
    topic: string
    type: string
    position: number
    actor: { id: string }
    data: { mentorId?: string }
  }

  /** The events that were received, on any topic and in any mode. */
  const eventsOf = ({ received }: Client) =>
    received
      .flatMap(([name, payload]) => (name === 'events' ? payload.events : [payload]) as Partial<Heard>[])
      .filter((payload): payload is Heard => payload?.actor !== undefined)

  it('hears and sees the certifications of the own mentors, and of nobody else', PATIENCE, async () => {
    const world = await aWorld()
    const { server, boss, orgId, usual, others, coordinator, otherCoordinator } = world
    await boss.subscribe({ topics: [`org:${orgId}`] })
    const pairs = [
      { own: usual, foreign: others, client: await connect(server, coordinator) },
      { own: others, foreign: usual, client: await connect(server, otherCoordinator) },
    ]
    for (const { own, client } of pairs)
      expect(
        await client.subscribe({ topics: [`coordinator:${own.coordinatorId}`, `mentor:${own.mentorId}`] }),
      ).toMatchObject({ ok: true })

    // The same things happen to both.
    for (const { mentorId, certificationId: id } of [usual, others]) {
      const issued = await boss.call('certifications.issue', {
        mentorId,
        certType: 'first_aid',
        ...dates(world),
      })
      for (const [name, payload] of [
        ['certifications.renew', { id, issuedAt: server.clock.at(), expiresAt: server.clock.at(days(400)) }],
        ['certifications.suspend', { id, reason: 'lost' }],
        ['mentors.pause', { id: mentorId, reason: 'holiday' }],
        ['mentors.resume', { id: mentorId }],
        ['certifications.revoke', { id: issued.id, reason: 'forged' }],
      ] as const)
        await boss.call(name, payload)
    }
    // `first_aid` is required, so the revocation holds the mentor: the last thing that follows.
    for (const { mentorId } of [usual, others])
      await boss.next(
        'mentor.held',
        ({ actor, data }) => actor.id === mentorId && data.hold === 'certification',
      )

    for (const { own, foreign, client } of pairs) {
      await client.next('mentor.held', ({ data }) => data.hold === 'certification')
      const mine = await client.call('certifications.list')
      const ids = mine.data.items.map(({ id }: { id: string }) => id)
      expect(ids).toContain(own.certificationId)
      expect(
        new Set(mine.data.items.map((item: { view: { mentorId: string } }) => item.view.mentorId)),
      ).toEqual(new Set([own.mentorId, ...(own === usual ? [expect.any(String)] : [])]))
      const known = new Set([
        ...ids,
        ...(await client.call('mentors.list')).data.items.map(({ id }: { id: string }) => id),
      ])
      expect(known).not.toContain(foreign.mentorId)
      expect(known).not.toContain(foreign.certificationId)

      const events = eventsOf(client)
      expect(new Set(events.map(({ type }) => type))).toEqual(
        new Set([
          'certification.issued',
          'certification.renewed',
          'certification.suspended',
          'certification.revoked',
          'mentor.held',
          'mentor.released',
        ]),
      )
      for (const { actor } of events) expect(known).toContain(actor.id)

      for (const filter of [{ coordinatorId: foreign.coordinatorId }, { mentorId: foreign.mentorId }])
        expect(await client.call('certifications.list', filter)).toEqual({ ok: true, data: { items: [] } })
      expect(
        await client.call('certifications.expiring', {
          withinDays: 3650,
          coordinatorId: foreign.coordinatorId,
        }),
      ).toEqual({ ok: true, data: { items: [] } })
      const soon = await client.call('certifications.expiring', { withinDays: 3650 })
      for (const { id } of soon.data.items) expect(known).toContain(id)
      for (const [name, payload] of [
        ['certifications.get', { id: foreign.certificationId }],
        ['certifications.journal', { id: foreign.certificationId }],
        ['certifications.status', { mentorId: foreign.mentorId }],
        ['mentors.get', { id: foreign.mentorId }],
        ['mentors.journal', { id: foreign.mentorId }],
      ] as const)
        expect([name, verdictOf(await client.call(name, payload))]).toEqual([name, 'not_found'])
    }
  })

  it('loses what belongs to a mentor who goes to another one', PATIENCE, async () => {
    const world = await aWorld()
    const { server, boss, orgId, usual, coordinator, otherCoordinator } = world
    const { mentorId, certificationId } = usual
    await boss.subscribe({ topics: [`org:${orgId}`] })
    const old = await connect(server, coordinator)
    const batched = await connect(server, coordinator)
    const next = await connect(server, otherCoordinator)
    const lost = [`mentor:${mentorId}`, `certification:${certificationId}`]
    await old.subscribe({ topics: [...lost, `coordinator:${coordinator.id}`] })
    await batched.subscribe({ topics: lost, mode: 'batch' })
    await next.subscribe({ topics: [`coordinator:${otherCoordinator.id}`] })
    // Somebody who may stay misses nothing and hears nothing twice.
    const stays = await connect(server, world.admin)
    await stays.subscribe({ topics: lost })

    // Some of these are in the same commit as the change, behind it: they are the new coordinator's alone.
    const [reassigned] = await Promise.all([
      boss.call('mentors.reassign', { id: mentorId, coordinatorId: otherCoordinator.id }),
      ...Array.from({ length: 30 }, (_, index) =>
        boss.call(index % 2 ? 'mentors.resume' : 'mentors.pause', {
          id: mentorId,
          ...(index % 2 ? {} : { reason: 'holiday' }),
        }),
      ),
    ])
    expect(reassigned.ok).toBe(true)
    for (const client of [old, batched])
      for (const topic of lost)
        expect(await client.next('topic.closed', (closed) => closed.topic === topic)).toEqual({
          topic,
          reason: 'forbidden',
        })
    const moved = await boss.next('certification.reassigned', ({ actor }) => actor.id === certificationId)
    await boss.call('certifications.suspend', { id: certificationId, reason: 'lost' })
    const last = await boss.call('mentors.pause', { id: mentorId, reason: 'the last one' })
    expect(last.ok).toBe(true)
    await next.next('mentor.held', ({ position }) => position === last.position)
    await next.next('certification.suspended', ({ actor }) => actor.id === certificationId)

    // An answer comes behind everything that was sent before it.
    for (const client of [old, batched]) {
      expect(verdictOf(await client.call('mentors.get', { id: mentorId }))).toBe('not_found')
      expect(verdictOf(await client.call('certifications.get', { id: certificationId }))).toBe('not_found')
      expect(verdictOf(await client.call('certifications.journal', { id: certificationId }))).toBe(
        'not_found',
      )
      expect(
        verdictOf(await client.call('certifications.suspend', { id: certificationId, reason: 'x' })),
      ).toBe('not_found')
      for (const topic of lost)
        expect(await client.subscribe({ topics: [topic], after: 0 })).toMatchObject({
          error: { code: 'forbidden' },
        })
    }
    for (const client of [old, batched]) {
      const heard = eventsOf(client)
      const latest = (id: string) =>
        Math.max(...heard.filter(({ actor }) => actor.id === id).map(({ position }) => position))
      expect(latest(mentorId)).toBe(reassigned.position)
      expect(latest(certificationId)).toBe(moved.position)
    }

    await stays.next('mentor.held', ({ position }) => position === last.position)
    for (const topic of lost) {
      const onTopic = (client: Client, of: string) =>
        eventsOf(client).flatMap((event) => (event.topic === of ? [event] : []))
      const positions = onTopic(stays, topic).map(({ position }) => position)
      expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b))
      const id = topic.slice(topic.indexOf(':') + 1)
      // The organisation's topic, which nobody interrupted, says what there was.
      const all = onTopic(boss, `org:${orgId}`).filter(
        ({ actor, data }) => actor.id === id || (data.mentorId === id && topic.startsWith('mentor:')),
      )
      expect(positions).toEqual(all.map(({ position }) => position))
    }
  })

  it('hears nothing of mentors of another organisation, who cannot be given away', PATIENCE, async () => {
    const { server, boss, usual, callers, clients } = await aWorld()
    const stranger = callers.find(([who]) => who === 'a coordinator of another organisation')![2]
    await clients.get(stranger)!.subscribe({ topics: [`coordinator:${stranger}`] })
    const before = await headOf(server)
    for (const coordinatorId of [stranger, randomUUID()])
      expect(await boss.call('mentors.reassign', { id: usual.mentorId, coordinatorId })).toEqual({
        ok: false,
        error: { code: 'not_found', message: 'coordinatorId: no such user' },
      })
    expect(
      await boss.call('mentors.register', { userId: usual.userId, coordinatorId: stranger }),
    ).toMatchObject({
      error: { code: 'not_found' },
    })
    expect(await headOf(server)).toBe(before)
    expect(await clients.get(stranger)!.call('mentors.list')).toMatchObject({ data: { items: [] } })
    expect(eventsOf(clients.get(stranger)!)).toEqual([])
  })
})
