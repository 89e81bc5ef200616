import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { derivedId } from '../../actors/derived-id.ts'
import { purchaseId } from '../../actors/purchase.ts'
import type { Message } from '../../actors/engine/message.ts'
import { rosterId } from '../../actors/roster.ts'
import type { EnrollmentInput } from '../../machines/enrollment-steps.ts'
import type { LessonInput } from '../../machines/lesson.ts'
import type { PaymentInput } from '../../machines/payment-steps.ts'
import { startServer, type LaurelServer } from '../../src/server.ts'
import type { ServerOptions } from '../../src/server/options.ts'
import { createVault } from '../../src/vault.ts'
import { createTeller, type Customer } from '../money/teller.ts'
import { hasPaid, liveId, type Learner } from './learners.ts'
import type { Provider } from './provider.ts'

/** Who removes what from whom. */
export type Stage = { orgId: string; offeringId: string; admin: Customer; tutor: Customer }

type Place = Pick<ServerOptions, 'database' | 'port' | 'tokenSecret'> & { vaultKey: string }

const PASSWORD = 'correct horse battery'
/** Learners whose past is made at the same time. */
const AT_ONCE = 60
const PATIENCE_MS = 120_000

/** Makes the past of everybody, with the product's own engine in this process. */
export const setStage = async (
  { database, port, tokenSecret, vaultKey }: Place,
  provider: Provider,
  learners: readonly Learner[],
): Promise<Stage> => {
  const keys = [{ id: 'test', key: Buffer.from(vaultKey, 'base64') }] as const
  const server = await startServer({
    database,
    host: '127.0.0.1',
    port,
    tokenSecret,
    paystack: { url: provider.url, secretKey: provider.secretKey },
    vaultKeys: keys,
    logger: pino({ level: 'error' }),
  })
  try {
    await provider.setWebhookUrl(`${server.url}/webhooks/paystack`)
    const stage = await openHouse(server)
    const past = createPast(server, stage, createVault(keys).seal)
    for (let from = 0; from < learners.length; from += AT_ONCE)
      await past.make(learners.slice(from, from + AT_ONCE), provider)
    await quiet(server)
    return stage
  } finally {
    await server.close()
  }
}

/** An administrator, a tutor, and the pack that is going to be removed. */
const openHouse = async (server: LaurelServer): Promise<Stage> => {
  const orgId = server.defaultOrgId
  const ask = createTeller(server.url, () => false)
  const somebody = async (name: string, role: 'admin' | 'instructor'): Promise<Customer> => {
    const email = `${name}@example.test`
    const made = await server.accounts.createUser({ email, password: PASSWORD, name, orgId, roles: [role] })
    if (!made.ok) throw new Error(made.error.message)
    return { id: made.value.id, email, password: PASSWORD, token: '' }
  }
  const admin = await somebody('admin', 'admin')
  const tutor = await somebody('tutor', 'instructor')
  const done = async (who: Customer, path: string, body: object): Promise<string> => {
    const { status, data, code } = await ask(who, 'POST', `/api/v1/${path}`, { body })
    if (status >= 300) throw new Error(`${path}: ${status} ${code ?? ''}`)
    return data.id
  }
  const tutorProfileId = await done(tutor, 'tutorProfiles', {})
  await done(admin, `tutorProfiles/${tutorProfileId}/approve`, {})
  const pack = {
    tutorProfileId,
    title: 'A pack',
    preliminaryMeetingRequired: false,
    price: { minor: 500_000 },
  }
  const offeringId = await done(tutor, 'offerings/createCoursePack', pack)
  return { orgId, offeringId, admin, tutor }
}

const createPast = ({ engine, now }: LaurelServer, stage: Stage, seal: (text: string) => string) => {
  const { orgId, offeringId, admin, tutor } = stage
  const offeringTitle = 'A pack'

  type Sent = { type: string; id: string; name: string; by: string; payload?: object; input?: object }

  const send = async ({ type, id, name, by, payload = {}, input }: Sent) => {
    const roles = by === admin.id ? (['admin'] as const) : by === tutor.id ? (['instructor'] as const) : []
    const message: Message = {
      id: crypto.randomUUID(),
      actor: { type, id },
      cause: 'command',
      type: name,
      payload,
      at: instant(),
      principal: { userId: by, orgId, roles },
      ...(input ? { creation: { input } } : {}),
    }
    for (;;) {
      const reply = await engine.send(message)
      if (reply.ok) return
      // A machine that is busy with other things has no connection left for a while.
      if (reply.error.code !== 'overloaded')
        throw new Error(`${type} ${name}: ${reply.error.code} ${reply.error.message}`)
      await sleep(500)
    }
  }

  const instant = () => new Date(now()).toISOString()

  const reaches = async (type: string, id: string, ...states: string[]) => {
    // Slower and slower: where many wait, each look keeps them waiting.
    for (let waitMs = 20, until = Date.now() + PATIENCE_MS; ; waitMs = Math.min(2 * waitMs, 500)) {
      const state = (await engine.peek(type, id).catch(() => undefined))?.state
      if (state !== undefined && states.includes(state)) return
      if (Date.now() > until) throw new Error(`${type} ${id} is ${state} and not ${states.join(' or ')}`)
      await sleep(waitMs)
    }
  }

  const enroll = async ({ userId, price }: Learner, id: string) => {
    const input: EnrollmentInput = {
      id,
      at: instant(),
      orgId,
      userId,
      offeringId,
      ownerId: tutor.id,
      offeringTitle,
      price: naira(price),
      requiredLessons: Number.MAX_SAFE_INTEGER,
      rosterId: rosterId(offeringId),
      purchaseId: purchaseId(userId, offeringId),
      welcomeId: derivedId('welcome', id),
      policy: { payWithinMs: 30 * 60_000, refund: 'firstLesson@1', keepsAccess: false },
    }
    await send({ type: 'enrollment', id, name: 'enroll', by: userId, input })
  }

  const initiate = async ({ userId, price, paymentId: id }: Learner) => {
    const input: PaymentInput = {
      id,
      at: instant(),
      orgId,
      payerId: userId,
      offeringId,
      amount: naira(price),
      method: 'paystack',
      email: seal(`${userId}@example.test`),
      authorizationId: null,
      purchaseId: purchaseId(userId, offeringId),
      rosterId: rosterId(offeringId),
      autoRefundId: crypto.randomUUID(),
      policy: { abandonAfterMs: 30 * 60_000 },
    }
    await send({ type: 'payment', id, name: 'initiate', by: userId, input })
    await reaches('payment', id, 'awaitingCustomer')
  }

  type Lessons = Pick<Learner, 'completed' | 'scheduled' | 'cancelled'>

  const giveLessons = async (
    learner: Learner,
    enrollmentId: string,
    { completed, scheduled, cancelled }: Lessons,
  ) => {
    const ends = [
      ...Array.from({ length: completed }, () => 'complete'),
      ...Array.from({ length: cancelled }, () => 'cancel'),
      ...Array.from({ length: scheduled }, () => null),
    ]
    for (const [index, name] of ends.entries()) {
      const id = crypto.randomUUID()
      const input = { ...lessonOf(learner, id, index), enrollmentId }
      await send({ type: 'lesson', id, name: 'schedule', by: tutor.id, input })
      const payload = name === 'cancel' ? { reason: 'the tutor is ill' } : {}
      if (name) await send({ type: 'lesson', id, name, by: tutor.id, payload })
      else learner.lessonId = id
    }
  }

  /** They have begun, so that each may be said to have been given. */
  const lessonOf = (learner: Learner, id: string, index: number): Omit<LessonInput, 'enrollmentId'> => ({
    id,
    at: instant(),
    orgId,
    tutorId: tutor.id,
    studentId: learner.userId,
    offeringId,
    startsAt: new Date(now() - (index + 1) * 86_400_000).toISOString(),
    durationMinutes: 60,
  })

  const refund = async ({ paymentId: id }: Learner, by: string, minor: number) => {
    const isAdmin = by === admin.id
    const payload = { amount: naira(minor), reason: 'it was less', refundId: crypto.randomUUID() }
    await send({ type: 'payment', id, name: 'requestRefund', by, payload: { ...payload, approved: isAdmin } })
    if (isAdmin) await reaches('payment', id, 'partiallyRefunded')
  }

  const live = async (learner: Learner) => {
    const { story, userId: by, enrollmentId, secondId, before, earlier, asked, wantsBack } = learner
    if (story === 'alone') return reaches('payment', learner.paymentId, 'settled')
    await reaches('enrollment', enrollmentId, 'active')
    if (story === 'returned') {
      await giveLessons(learner, enrollmentId, { completed: before, scheduled: 0, cancelled: 0 })
      await send({ type: 'enrollment', id: enrollmentId, name: 'drop', by })
      await enroll(learner, secondId)
      await reaches('enrollment', secondId, 'active')
    }
    const id = liveId(learner)
    await giveLessons(learner, id, learner)
    if (earlier > 0) await refund(learner, admin.id, earlier)
    if (asked > 0) await refund(learner, by, asked)
    const payload = { reason: 'not for me', refundId: crypto.randomUUID() }
    if (wantsBack) await send({ type: 'enrollment', id, name: 'requestRefund', by, payload })
    if (story === 'dropped') await send({ type: 'enrollment', id, name: 'drop', by })
    const suspension = { reason: 'has not been polite' }
    if (story === 'suspended')
      await send({ type: 'enrollment', id, name: 'suspend', by: admin.id, payload: suspension })
  }

  return {
    make: async (learners: readonly Learner[], provider: Provider) => {
      await Promise.all(
        learners.map(async (learner) => {
          if (learner.story !== 'alone') await enroll(learner, learner.enrollmentId)
          if (learner.story !== 'unpaid') await initiate(learner)
          else await reaches('enrollment', learner.enrollmentId, 'pendingPayment')
        }),
      )
      const payers = learners.filter(hasPaid)
      await provider.pay(payers.map(({ paymentId: reference, card }) => ({ reference, scenario: card })))
      await Promise.all(payers.map(live))
    },
  }
}

const naira = (minor: number) => ({ minor, currency: 'NGN' as const })

/** Until everybody has heard of everything. */
const quiet = async ({ database }: LaurelServer) => {
  for (const until = Date.now() + PATIENCE_MS; ;) {
    const [row] = await database.sql.query<{ n: number }>({
      name: 'removal_campaign_quiet',
      text: `select count(*)::integer as n from effect where status = 'pending' and name <> 'verifyPayment'`,
    })
    if (row!.n === 0) return
    if (Date.now() > until) throw new Error(`${row!.n} effects are pending`)
    await sleep(50)
  }
}
