import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { CertificateInput } from '../../machines/certificate-steps.ts'
import type { DeadLetterInput } from '../../machines/dead-letter.ts'
import type { DeliveryInput } from '../../machines/delivery.ts'
import type { DisputeInput } from '../../machines/dispute-steps.ts'
import type { EnrollmentInput } from '../../machines/enrollment-steps.ts'
import type { LessonInput } from '../../machines/lesson.ts'
import type { NotificationInput } from '../../machines/notification.ts'
import type { PaymentInput } from '../../machines/payment-steps.ts'
import type { PurchaseInput } from '../../machines/purchase.ts'
import type { RefundInput } from '../../machines/refund-steps.ts'
import type { RemovalInput } from '../../machines/removal.ts'
import type { SettlementInput } from '../../machines/settlement.ts'
import { days } from './clock.ts'
import type { TestServer } from './server.ts'

/** Actors as the system makes them, in the state that a test needs. What they want done is under way meanwhile. */

/** Whoever pays, and where. */
type Party = { orgId: string; userId: string }

export type Signal = { type: string; [field: string]: unknown }
type Own<Input> = Omit<Input, 'id' | 'at'>

/** Makes an actor, and tells it what came after before anything else can reach it. */
export const madeBySystem = async (
  { engine, clock }: Pick<TestServer, 'engine' | 'clock'>,
  actor: { type: string; id: string },
  input: object,
  signals: readonly Signal[] = [],
): Promise<{ id: string }> => {
  const envelope = () => ({
    id: randomUUID(),
    actor,
    cause: 'signal' as const,
    at: clock.at(),
  })
  const replies = await Promise.all([
    engine.send({ ...envelope(), type: 'created', payload: {}, creation: { input } }),
    ...signals.map(({ type, ...payload }) => engine.send({ ...envelope(), type, payload })),
  ])
  for (const reply of replies) expect(reply).toMatchObject({ ok: true })
  return { id: actor.id }
}

export const PRICE = { minor: 500_000, currency: 'NGN' } as const

const aPayment = (server: TestServer, { orgId, userId }: Party, ...signals: Signal[]) => {
  const id = randomUUID()
  const autoRefundId = randomUUID()
  const input: Own<PaymentInput> = {
    orgId,
    payerId: userId,
    offeringId: randomUUID(),
    amount: PRICE,
    method: 'card',
    email: null,
    authorizationId: null,
    purchaseId: randomUUID(),
    autoRefundId,
    policy: { abandonAfterMs: 30 * 60_000 },
  }
  const known = signals.map((signal) => ({
    ...signal,
    ...(signal.type === 'provider.verified' ? { reference: id } : {}),
    ...(signal.type === 'refund.changed' ? { refundId: autoRefundId } : {}),
  }))
  return madeBySystem(server, { type: 'payment', id }, input, known)
}

export const anOpenPayment = (server: TestServer, party: Party, ...signals: Signal[]) =>
  aPayment(server, party, ...signals)

export const aFailedPayment = (server: TestServer, party: Party) =>
  aPayment(server, party, { type: 'purchase.refused', reason: 'already_paid' })

export const aSettledPayment = (server: TestServer, party: Party, ...signals: Signal[]) =>
  aPayment(
    server,
    party,
    { type: 'purchase.granted' },
    {
      type: 'provider.verified',
      status: 'success',
      amountMinor: PRICE.minor,
      currency: PRICE.currency,
      paidAt: server.clock.at(),
      card: null,
    },
    ...signals,
  )

/** Its offering was gone, and the refund that it made by itself has failed. */
export const aStuckPayment = (server: TestServer, party: Party) =>
  aSettledPayment(
    server,
    party,
    {
      type: 'refund.due',
      refundId: null,
      upToMinor: null,
      reason: 'offering_removed',
      ...source('purchase'),
    },
    { type: 'refund.changed', standing: 'failed' },
  )

export const aPurchase = (server: TestServer, { orgId, userId }: Party) => {
  const input: Own<PurchaseInput> = { orgId, payerId: userId, offeringId: randomUUID() }
  return madeBySystem(server, { type: 'purchase', id: randomUUID() }, input)
}

export const aRefund = async (
  server: TestServer,
  party: Party,
  changes: Partial<RefundInput>,
  ...signals: Signal[]
) => {
  const input: Own<RefundInput> = {
    orgId: party.orgId,
    paymentId: (await aSettledPayment(server, party)).id,
    payerId: party.userId,
    amount: { minor: 10_000, currency: PRICE.currency },
    reason: 'I changed my mind',
    requestedBy: party.userId,
    approved: false,
    ...changes,
  }
  return madeBySystem(server, { type: 'refund', id: randomUUID() }, input, signals)
}

export const aRequestedRefund = (server: TestServer, party: Party) => aRefund(server, party, {})

/** Nobody can find out what became of it, and the provider has lost each submission. */
export const aLostRefund = (server: TestServer, party: Party) => {
  const round: Signal[] = [
    { type: 'provider.unknown', reason: 'timeout' },
    { type: 'provider.refundMissing', askedAt: server.clock.at(days(1)) },
  ]
  return aRefund(server, party, { approved: true }, ...Array.from({ length: 5 }, () => round).flat())
}

export const aStuckRefund = (server: TestServer, party: Party) =>
  aRefund(
    server,
    party,
    { approved: true },
    {
      type: 'provider.refundSeen',
      providerRefundId: '4711',
      status: 'needs-attention',
      expectedAt: null,
      round: 0,
    },
  )

export const aDispute = async (server: TestServer, party: Party) => {
  const input: Own<DisputeInput> = {
    orgId: party.orgId,
    paymentId: (await aSettledPayment(server, party)).id,
    payerId: party.userId,
    providerDisputeId: '4712',
  }
  const seen = {
    type: 'provider.disputeSeen',
    status: 'awaiting-merchant-feedback',
    resolution: null,
    amountMinor: PRICE.minor,
    currency: PRICE.currency,
    dueAt: null,
  }
  return madeBySystem(server, { type: 'dispute', id: randomUUID() }, input, [seen])
}

/** An effect that has failed for good, as the effect queue announces it. */
export const aDeadLetter = async (
  server: TestServer,
  orgId: string,
  changes: Partial<Own<DeadLetterInput>> = {},
) => {
  const refundId = randomUUID()
  const input: Own<DeadLetterInput> = {
    effect: `refund:${refundId}@3.0`,
    name: 'submitRefund',
    owner: { type: 'refund', id: refundId },
    orgId,
    params: { refundId, amount: PRICE },
    attempts: 10,
    reason: 'the provider is not there',
    ...changes,
  }
  const { id } = await madeBySystem(server, { type: 'deadLetter', id: randomUUID() }, input)
  return { id, effect: input.effect, topic: `deadLetter:${id}` }
}

export const source = (actor: string, version = 1) => ({ source: { actor, id: randomUUID(), version } })

/** Somebody who learns, by default from nobody who is here. */
type Learning = Party & Partial<Pick<EnrollmentInput, 'offeringId' | 'ownerId'>>

export const anEnrollment = (
  server: TestServer,
  { orgId, userId, ...offering }: Learning,
  minor: number,
  ...signals: Signal[]
) => {
  const input: Own<EnrollmentInput> = {
    orgId,
    userId,
    offeringId: randomUUID(),
    ownerId: randomUUID(),
    offeringTitle: 'A course',
    price: { ...PRICE, minor },
    requiredLessons: null,
    rosterId: randomUUID(),
    purchaseId: randomUUID(),
    welcomeId: randomUUID(),
    policy: { payWithinMs: 30 * 60_000, refund: 'firstLesson@1', keepsAccess: false },
    ...offering,
  }
  return madeBySystem(server, { type: 'enrollment', id: randomUUID() }, input, signals)
}

export const admitted = (): Signal => ({ type: 'roster.admitted', ...source('roster') })

export const anActiveEnrollment = (server: TestServer, party: Party, ...signals: Signal[]) =>
  anEnrollment(server, party, 0, admitted(), ...signals)

export const aSuspendedEnrollment = (server: TestServer, party: Party) =>
  anActiveEnrollment(server, party, { type: 'suspend', reason: 'asked about' })

export const aPaidEnrollment = async (server: TestServer, party: Learning, ...signals: Signal[]) => {
  const { id: paymentId } = await aSettledPayment(server, party)
  const paid = { type: 'purchase.paid', paymentId, amount: PRICE, ...source('purchase', 5) }
  return anEnrollment(server, party, PRICE.minor, admitted(), paid, ...signals)
}

/** Its learner wants the money back, and no policy says yes. */
export const anEnrollmentToDecideOn = (server: TestServer, party: Learning) =>
  aPaidEnrollment(server, party, { type: 'requestRefund', refundId: randomUUID(), reason: 'not for me' })

export const aLesson = (
  server: TestServer,
  { orgId, userId: studentId }: Party,
  of: Partial<Pick<LessonInput, 'tutorId' | 'enrollmentId'>> = {},
  ...signals: Signal[]
) => {
  const input: Own<LessonInput> = {
    orgId,
    studentId,
    tutorId: randomUUID(),
    enrollmentId: randomUUID(),
    offeringId: randomUUID(),
    startsAt: server.clock.at(-days(1)),
    durationMinutes: 60,
    ...of,
  }
  return madeBySystem(server, { type: 'lesson', id: randomUUID() }, input, signals)
}

export const aRoster = (server: TestServer, orgId: string) =>
  madeBySystem(server, { type: 'roster', id: randomUUID() }, { orgId, offeringId: randomUUID() })

export const aRemoval = (server: TestServer, orgId: string, dryRun: boolean, ...signals: Signal[]) => {
  const input: Own<RemovalInput> = {
    orgId,
    offeringId: randomUUID(),
    title: 'A course',
    reason: 'taken down',
    startedBy: null,
    dryRun,
  }
  return madeBySystem(server, { type: 'removal', id: randomUUID() }, input, signals)
}

export const planOf = (total: number): Signal => ({ type: 'planner.finished', total, planned: {} })

export const aPlannedRemoval = (server: TestServer, orgId: string) => aRemoval(server, orgId, true, planOf(0))

/** One settlement of it never ends. */
export const aRunningRemoval = (server: TestServer, orgId: string, ...signals: Signal[]) =>
  aRemoval(
    server,
    orgId,
    false,
    { type: 'roster.closed', closed: 'removed', ...source('roster') },
    planOf(1),
    ...signals,
  )

/** Its enrollment waits, and what was paid for it is looked at. */
export const aSettlement = (
  server: TestServer,
  { orgId, userId: studentId }: Party,
  signals: (input: Own<SettlementInput>) => Signal[],
) => {
  const input: Own<SettlementInput> = {
    orgId,
    removalId: randomUUID(),
    enrollmentId: randomUUID(),
    offeringId: randomUUID(),
    studentId,
    courseTitle: 'A course',
    removalReason: 'taken down',
    refundId: randomUUID(),
    total: PRICE,
    paymentId: randomUUID(),
    verdict: null,
  }
  return madeBySystem(server, { type: 'settlement', id: randomUUID() }, input, signals(input))
}

export const counted = (): Signal => ({ type: 'removal.counted', ...source('removal') })

export const closingOf = (server: TestServer, { paymentId }: { paymentId: string | null }): Signal[] => [
  { type: 'removal.run' },
  {
    type: 'enrollment.closing',
    paymentId,
    paid: paymentId === null ? null : PRICE,
    enrolledAt: server.clock.at(),
    lessonIds: [],
    ...source('enrollment'),
  },
]

/** Its lessons could not be counted, and its removal knows that. */
export const aStuckSettlement = (server: TestServer, party: Party) =>
  aSettlement(server, party, (input) => [
    ...closingOf(server, input),
    { type: 'lessons.unmeasurable', reason: 'other lessons' },
    counted(),
  ])

export const aNotification = (server: TestServer, { orgId, userId: recipientId }: Party) => {
  const input: Own<NotificationInput> = {
    orgId,
    recipientId,
    topic: 'enrollment.welcome',
    subject: { actor: 'enrollment', id: randomUUID() },
    text: 'Welcome.',
  }
  return madeBySystem(server, { type: 'notification', id: randomUUID() }, input)
}

export const aSentDelivery = (server: TestServer, { orgId, userId: recipientId }: Party) => {
  const input: Own<DeliveryInput> = {
    orgId,
    notificationId: randomUUID(),
    recipientId,
    channel: 'email',
    topic: 'enrollment.welcome',
    urgent: false,
  }
  return madeBySystem(server, { type: 'delivery', id: randomUUID() }, input, [{ type: 'courier.sent' }])
}

/** With a number that no series has given out. */
export const aCertificate = (
  server: TestServer,
  { orgId, userId: holderId }: Party,
  ...signals: Signal[]
) => {
  const id = randomUUID()
  const issuedAt = server.clock.at(-days(1))
  const input: Own<CertificateInput> = {
    orgId,
    kind: 'track_certificate',
    holderId,
    holderName: 'Somebody',
    ownerId: null,
    offeringId: null,
    enrollmentId: null,
    trackId: randomUUID(),
    title: 'A track',
    issuedAt,
    expiresAt: server.clock.at(days(100)),
    policy: { expiringWindowDays: 30, reminderDays: [] },
    showName: false,
    series: { id: randomUUID(), year: 1900 },
    notices: { issued: randomUUID(), reminders: {} },
  }
  const numbered = { type: 'series.numbered', number: `CERT-${id}`, ...source('certificateSeries') }
  return madeBySystem(server, { type: 'certificate', id }, input, [numbered, ...signals])
}

/** Somebody has completed a course that cost nothing, and may have that certified. */
export const aCompletedEnrollment = async (server: TestServer, party: Party) => {
  const offeringId = randomUUID()
  const progress = { moduleId: offeringId, progress: 1, timeSpentSeconds: 0, modules: [offeringId] }
  await anEnrollment(server, { ...party, offeringId }, 0, admitted(), { type: 'recordProgress', ...progress })
  return { offeringId, userId: party.userId }
}
