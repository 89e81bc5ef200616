import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrollment } from '../actors/enrollment.ts'
import { lesson } from '../actors/lesson.ts'
import { payment } from '../actors/payment.ts'
import { purchase } from '../actors/purchase.ts'
import { refund } from '../actors/refund.ts'
import { actors } from '../actors/registry.ts'
import { removal } from '../actors/removal.ts'
import { settlement } from '../actors/settlement.ts'
import { enrollmentAccess, type OBJECTS, type Somebody, type Thing } from './enrollment-access.ts'
import type { Access } from './support/access-table.ts'
import { createTrials, type Fields } from './support/access-trials.ts'
import {
  admitted,
  aFailedPayment,
  aLesson,
  aLostRefund,
  anEnrollment,
  anEnrollmentToDecideOn,
  anOpenPayment,
  aPurchase,
  aRefund,
  aRemoval,
  aRequestedRefund,
  aSettledPayment,
  aSettlement,
  aStuckPayment,
  aStuckRefund,
  aStuckSettlement,
  closingOf,
  counted,
  planOf,
  PRICE,
  source,
  type Signal,
} from './support/by-system.ts'
import { days } from './support/clock.ts'
import { http } from './support/http.ts'
import { anOrganisation, aServer, aUser, type Person, type TestServer } from './support/server.ts'

type Made = { id: string; offeringId?: string; enrollmentId?: string; moduleId?: string; title?: string }

let server: TestServer
let people: Record<Exclude<Somebody, 'anybody'>, Person>
let profileId: string
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  // Nothing is carried out that somebody wants done, so every object stays as it was made.
  server = await aServer(
    {
      roles: new Set(['gateway'] as const),
      paystack: { url: 'http://127.0.0.1:9', secretKey: 'sk_test_of_the_access_table' },
      failedPaymentsPerHour: 1_000_000,
    },
    (end) => ends.unshift(end),
  )
  const [student, learner, tutor, owner, coordinator, other, csm, admin, outsider] = await Promise.all([
    aUser(server, ['student']),
    aUser(server, ['student', 'peer_mentor']),
    aUser(server, ['instructor']),
    aUser(server, ['instructor']),
    aUser(server, ['coordinator']),
    aUser(server, ['coordinator']),
    aUser(server, ['csm']),
    aUser(server, ['admin']),
    aUser(server, ['admin'], await anOrganisation(server)),
  ])
  people = {
    student,
    learner,
    tutor,
    owner,
    coordinator,
    'other coordinator': other,
    csm,
    admin,
    outsider,
  }
  const mentor = { userId: learner.id, coordinatorId: coordinator.id }
  await done(admin, '/api/v1/mentors', mentor)
  const others = await aUser(server, ['peer_mentor'])
  await done(admin, '/api/v1/mentors', { userId: others.id, coordinatorId: other.id })
  profileId = (await done(owner, '/v1/tutorprofiles', {})).id
  await done(admin, `/api/v1/tutorProfiles/${profileId}/approve`, {})
})
afterAll(async () => {
  for (const end of ends) await end()
})

const done = async (person: Person, path: string, body: object) => {
  const answer = (await http(server, person)('POST', path, { body })).body
  if (answer.status !== 'success') throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return answer.data
}

const learning = () => ({ orgId: people.learner.orgId, userId: people.learner.id })

/** Free, unless a test wants to pay for it. */
const aPack = async (price = 0): Promise<Made> => {
  const title = `Pack ${randomUUID()}`
  const body = { tutorProfileId: profileId, title, preliminaryMeetingRequired: false, price }
  const { id } = await done(people.owner, '/v1/coursepacks', body)
  return { id, offeringId: id, title }
}

const offeringOf = ({ id: offeringId }: Made) => ({ offeringId, ownerId: people.owner.id })

const paid = (version = 5): Signal => ({
  type: 'purchase.paid',
  paymentId: randomUUID(),
  amount: PRICE,
  ...source('purchase', version),
})
const begun = () => [admitted(), paid()]

/** The learner's, in a pack of the owner with one module. */
const enrolled = async (...signals: readonly Signal[]): Promise<Made> => {
  const pack = await aPack()
  const modules = [{ title: 'The only one' }]
  const { view } = await done(people.owner, `/api/v1/offerings/${pack.id}/setModules`, { modules })
  const moduleId: string = view.modules[0].id
  const known = signals.map((signal) =>
    signal.type === 'recordProgress' ? { ...signal, moduleId, modules: [moduleId] } : signal,
  )
  const of = { ...learning(), ...offeringOf(pack) }
  const { id } = await anEnrollment(server, of, PRICE.minor, ...known)
  return { id, offeringId: pack.id, moduleId, enrollmentId: id, title: pack.title! }
}

const suspend: Signal = { type: 'suspend', reason: 'asked about' }
const complete: Signal = { type: 'recordProgress', progress: 1, timeSpentSeconds: 0 }
const drop: Signal = { type: 'drop' }

const free = async (): Promise<Made> => {
  const pack = await aPack()
  return { ...pack, ...(await anEnrollment(server, { ...learning(), ...offeringOf(pack) }, 0, admitted())) }
}

/** The pack of an enrollment, after something has been done to it. */
const theirPack = async (
  signals: readonly Signal[],
  by?: Person,
  command?: string,
  body: object = {},
): Promise<Made> => {
  const { offeringId, title } = await enrolled(...signals)
  if (by && command) await done(by, `/api/v1/offerings/${offeringId}/${command}`, body)
  return { id: offeringId!, offeringId: offeringId!, title: title! }
}

const aMaterial = async (signals: readonly Signal[], unpublished = false): Promise<Made> => {
  const { offeringId } = await enrolled(...signals)
  const body = { coursePackId: offeringId, title: randomUUID() }
  const { id } = await done(people.owner, '/v1/coursematerials', body)
  if (unpublished) await done(people.owner, `/api/v1/offerings/${offeringId}/unpublish`, {})
  return { id, offeringId: offeringId! }
}

const aLessonThat = async (...signals: Signal[]): Promise<Made> => {
  const enrollmentId = randomUUID()
  const of = { tutorId: people.owner.id, enrollmentId }
  return { enrollmentId, ...(await aLesson(server, learning(), of, ...signals)) }
}

const seen = (status: string): Signal => ({
  type: 'provider.refundSeen',
  providerRefundId: '4711',
  status,
  expectedAt: null,
  round: 0,
})

const aDryRun = (...signals: Signal[]) => aRemoval(server, people.admin.orgId, true, ...signals)
const closed: Signal = { type: 'roster.closed', closed: 'removed', ...source('roster') }
const aRun = (total: number, ...signals: Signal[]) =>
  aRemoval(server, people.admin.orgId, false, closed, planOf(total), ...signals)

type Refunding = { paymentId: string | null; refundId: string }
const refunding = (input: Refunding): Signal[] => [
  ...closingOf(server, input),
  { type: 'lessons.measured', completedLessons: 0, totalLessons: 0 },
]
const refundEnds = (input: Refunding, standing: string): Signal[] => [
  ...refunding(input),
  {
    type: 'payment.refundEnded',
    refundId: input.refundId,
    minor: PRICE.minor,
    standing,
    ...source('payment'),
  },
]
const aRow = (signals: (input: Refunding) => Signal[]) => aSettlement(server, learning(), signals)

/** Brings an object into a state, for somebody to try something with it. */
const MAKE: { [One in Thing]: { [State in keyof (typeof OBJECTS)[One]]: () => Promise<Made> } } = {
  offering: {
    published: () => theirPack(begun()),
    unpublished: () => theirPack(begun(), people.owner, 'unpublish'),
    flagged: () => theirPack(begun(), people.admin, 'flag', { note: 'copied?' }),
    left: () => theirPack([...begun(), drop], people.owner, 'unpublish'),
  },
  material: {
    active: () => aMaterial(begun()),
    unpublished: () => aMaterial(begun(), true),
    suspended: () => aMaterial([...begun(), suspend]),
    completed: () => aMaterial([...begun(), complete]),
    dropped: () => aMaterial([...begun(), drop]),
  },
  enrollment: {
    none: () => aPack(),
    requested: () => enrolled(),
    pendingPayment: () => enrolled(admitted()),
    active: () => enrolled(...begun()),
    suspended: () => enrolled(...begun(), suspend),
    completed: () => enrolled(...begun(), complete),
    closing: () => enrolled(...begun(), { type: 'removal.began', reason: 'copied', ...source('settlement') }),
    dropped: () => enrolled(...begun(), drop),
    cancelled: () => enrolled(admitted(), drop),
    refunded: () => enrolled(...begun(), { type: 'purchase.released', ...source('purchase', 9) }),
  },
  'refund request': {
    free,
    pending: () => anEnrollmentToDecideOn(server, ownedBy()),
    decided: async () => {
      const made = await anEnrollmentToDecideOn(server, ownedBy())
      await done(people.admin, `/api/v1/enrollments/${made.id}/rejectRefund`, { note: 'too late' })
      return made
    },
  },
  lesson: {
    none: () => enrolled(...begun()),
    over: () => enrolled(...begun(), drop),
    scheduled: () => aLessonThat(),
    completed: () => aLessonThat({ type: 'complete' }),
    missed: () => aLessonThat({ type: 'miss' }),
    cancelled: () => aLessonThat({ type: 'cancel', reason: 'ill' }),
  },
  payment: {
    none: () => aPack(5_000),
    open: () => anOpenPayment(server, learning(), { type: 'purchase.granted' }),
    failed: () => aFailedPayment(server, learning()),
    settled: () => aSettledPayment(server, learning()),
    stuck: () => aStuckPayment(server, learning()),
  },
  purchase: { free: () => aPurchase(server, learning()) },
  refund: {
    pendingApproval: () => aRequestedRefund(server, learning()),
    submitting: () => aRefund(server, learning(), { approved: true }),
    needsAttention: () => aStuckRefund(server, learning()),
    needsReview: () => aLostRefund(server, learning()),
    processed: () => aRefund(server, learning(), { approved: true }, seen('processed')),
    failed: () => aRefund(server, learning(), { approved: true }, seen('failed')),
    rejected: () => aRefund(server, learning(), {}, { type: 'reject', reason: 'too late' }),
  },
  removal: {
    none: () => aPack(),
    planning: () => aDryRun(),
    planned: () => aDryRun(planOf(0)),
    closing: () => aRemoval(server, people.admin.orgId, false),
    running: () => aRun(1),
    paused: () => aRun(1, { type: 'pause' }),
    done: () => aRun(0),
    discarded: () => aDryRun(planOf(0), { type: 'discard' }),
    failed: () => aDryRun({ type: 'effect.failed', effect: 'planRemoval', reason: 'no database' }),
  },
  settlement: {
    planned: () => aRow(() => []),
    closing: () => aRow(() => [{ type: 'removal.run' }]),
    measuring: () => aRow((input) => closingOf(server, input)),
    refunding: () => aRow(refunding),
    refunded: () => aRow((input) => refundEnds(input, 'processed')),
    cancelled: () => aRow(() => closingOf(server, { paymentId: null })),
    skipped: () =>
      aRow(() => [
        { type: 'removal.run' },
        { type: 'enrollment.over', status: 'completed', ...source('enrollment') },
      ]),
    discarded: () => aRow(() => [{ type: 'removal.discarded', ...source('removal') }]),
    failed: () => aRow((input) => [...refundEnds(input, 'failed'), counted()]),
    uncounted: () => aRow((input) => refundEnds(input, 'failed')),
    needsReview: () => aStuckSettlement(server, learning()),
  },
}

const ownedBy = () => ({ ...learning(), ownerId: people.owner.id })

/** What an operation is tried with. */
const FIELDS: Record<string, (made: Made) => object> = {
  'offerings.list': ({ title }) => ({ title }),
  'materials.list': ({ offeringId }) => ({ offeringId }),
  'materials.update': () => ({ title: randomUUID() }),
  'enrollments.enroll': ({ offeringId }) => ({ offeringId }),
  'enrollments.enroll: userId': ({ offeringId }) => ({ offeringId, userId: people.learner.id }),
  'enrollments.list': ({ offeringId }) => ({ offeringId }),
  'enrollments.recordProgress': ({ moduleId }) => ({ moduleId, progress: 0.5 }),
  'enrollments.requestRefund': () => ({ reason: 'not for me' }),
  'enrollments.suspend': () => ({ reason: 'asked about' }),
  'enrollments.approveRefund: amountMinor': () => ({ amountMinor: PRICE.minor + 1 }),
  'enrollments.rejectRefund': () => ({ note: 'too late' }),
  'lessons.schedule': ({ enrollmentId }) => ({ enrollmentId, startsAt: server.clock.at(days(1)) }),
  'lessons.list': ({ enrollmentId }) => ({ enrollmentId }),
  'lessons.reschedule': () => ({ startsAt: server.clock.at(days(2)) }),
  'lessons.cancel': () => ({ reason: 'ill' }),
  'payments.initiate': ({ offeringId }) => ({ offeringId, method: 'paystack' }),
  'payments.requestRefund': () => ({ full: true, reason: 'not for me' }),
  'payments.resolveRefund': () => ({ note: 'given back by hand' }),
  'refunds.reject': () => ({ reason: 'too late' }),
  'refunds.resubmit': () => ({ reason: 'lost' }),
  'refunds.resolve': () => ({ as: 'processed', reason: 'given back by hand' }),
  'refunds.submitBankDetails': () => ({ accountNumber: '0123456789', bankId: '9' }),
  'removals.plan': ({ offeringId }) => ({ offeringId, reason: 'copied' }),
  'settlements.resolve': () => ({ as: 'cancelled', note: 'by hand' }),
}

const trials = createTrials<Made>({
  server: () => server,
  definitions: actors,
  namespace: '/live',
  make: ({ thing, state }) =>
    new Map(Object.entries<() => Promise<Made>>(MAKE[thing as Thing])).get(state)!(),
  fields: (operation, made): Fields | undefined => {
    const rest = FIELDS[operation]?.(made)
    return rest && { rest }
  },
  personOf: async (somebody) =>
    somebody === 'anybody' ? undefined : people[somebody as Exclude<Somebody, 'anybody'>],
  ends: (end) => ends.unshift(end),
})

const named = (access: Access) => [access.thing, access.state, access.operation, access] as const

describe.each(trials)(
  'S2.45 S2.52 S2.53 C49 who may do what with what is learned and paid, %s',
  (_, tried) => {
    it.each(enrollmentAccess.map(named))('%s, %s: %s', async (_thing, _state, _operation, access) =>
      expect(await tried(access)).toEqual(access.verdicts),
    )
  },
)

it('the table has every command and query of what is learned and paid', () => {
  const operations = new Set(enrollmentAccess.map(({ operation }) => operation.split(':')[0]!))
  for (const { contract } of [enrollment, lesson, payment, purchase, refund, removal, settlement])
    for (const name of Object.keys({ ...contract.commands, ...contract.queries }))
      expect([...operations]).toContain(`${contract.namespace}.${name}`)
})
