import type { EventObject } from 'xstate'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { lessonIdsOf, type EnrollmentContext } from '../machines/enrollment-steps.ts'
import { lessonMachine, type LessonContext } from '../machines/lesson.ts'
import { isOnSale, offeringMachine } from '../machines/offering.ts'
import { paymentMachine } from '../machines/payment.ts'
import { stuckOf } from '../machines/payment-money.ts'
import type { PaymentContext } from '../machines/payment-steps.ts'
import { purchaseMachine } from '../machines/purchase.ts'
import { refundPolicy } from '../machines/refund-policies.ts'
import { removalMachine, type RemovalContext } from '../machines/removal.ts'
import { rosterMachine } from '../machines/roster.ts'
import { settlementMachine, type SettlementContext } from '../machines/settlement.ts'
import { createActors, type Name, type Promised } from './actor-model.ts'

/** One thing that happens; what is not possible just then does not happen. `pick` chooses among what there is. */
export type Happening =
  | { do: 'deliver'; pick: number; again: boolean }
  | { do: 'enroll' | 'initiate'; learner: string }
  | { do: 'pay' | 'cancel' | 'drop' | 'suspend' | 'resume' | 'learn' | 'ask' | 'reject'; pick: number }
  | { do: 'grant'; pick: number; minor: number }
  | { do: 'schedule' | 'complete' | 'callOff'; pick: number }
  | { do: 'deskRefund' | 'retry'; pick: number }
  | { do: 'endRefund'; pick: number; fails: boolean }
  | { do: 'plan' | 'run' | 'remove' | 'pause' | 'goOn' | 'discard' }
  | { do: 'advance'; ms: number }

export const PRICE = { minor: 500_001, currency: 'NGN' as const }
const AT = '2026-01-01T00:00:00.000Z'
const MINUTE = 60_000
const MODULE = 'module-1'
const OFFERING: Name = 'offering:offering-1'

/**
 * The engine takes each message once. These mean something else when they come again later, so it has to; all others are
 * tried twice.
 */
const ONCE = [
  'payment.claimed',
  'purchase.granted',
  'purchase.refused',
  'enrollment.opened',
  'enrollment.ended',
  'settlement.ended',
  'settlement.reopened',
  'removal.counted',
  'removal.run',
]

const machines = {
  offering: offeringMachine,
  roster: rosterMachine,
  purchase: purchaseMachine,
  payment: paymentMachine,
  enrollment: enrollmentMachine,
  lesson: lessonMachine,
  removal: removalMachine,
  settlement: settlementMachine,
}

type Policy = { keepsAccess: boolean; refund: string }

/** One offering that costs something, with all that enrolls in it, pays for it and removes it. Refunds end when told so. */
export const createWorld = ({ keepsAccess, refund }: Policy) => {
  const actors = createActors(machines, AT)
  const { promised } = actors
  /** Payments that the customer has really paid. */
  const received = new Set<string>()
  const deskRefunds = new Set<string>()
  let made = 0

  const valueOf = (name: Name) => actors.story(name)!.snapshot.value as unknown
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- whoever asks knows which machine it is
  const contextOf = <Context>(name: Name) => actors.story(name)!.snapshot.context as Context
  const command = (to: Name, type: string, by: string, fields: object = {}) =>
    actors.send(to, { type, by, ...fields } as EventObject)
  const enrollments = () =>
    actors
      .names('enrollment')
      .map((name) => ({ name, value: valueOf(name), of: contextOf<EnrollmentContext>(name) }))
  const lessonsOf = (enrollmentId: string) =>
    actors
      .names('lesson')
      .filter((name) => contextOf<LessonContext>(name).enrollmentId === enrollmentId)
      .map((name) => ({ id: idOf(name), status: valueOf(name) }))
      .filter(({ status }) => status !== 'cancelled')
  const settlementsOf = (removalId: string) =>
    actors.names('settlement').filter((name) => contextOf<SettlementContext>(name).removalId === removalId)

  /** As the meter counts; nothing when there are others than the enrollment knows of. */
  const measured = (enrollmentId: string) => {
    const lessons = lessonsOf(enrollmentId)
    const known = new Set(lessonIdsOf(contextOf<EnrollmentContext>(`enrollment:${enrollmentId}`)))
    if (known.size !== lessons.length || lessons.some(({ id }) => !known.has(id))) return undefined
    const completed = lessons.filter(({ status }) => status === 'completed')
    return { completedLessons: completed.length, totalLessons: lessons.length }
  }

  const planRemoval = (removalId: string) => {
    const {
      orgId,
      offeringId,
      title: courseTitle,
      reason: removalReason,
    } = contextOf<RemovalContext>(`removal:${removalId}`)
    for (const { value, of } of enrollments()) {
      if (!['requested', 'pendingPayment', 'active', 'suspended'].includes(value as string)) continue
      const { id: enrollmentId, userId: studentId, enrolledAt, paymentId, paid } = of
      const total = paid ?? { ...PRICE, minor: 0 }
      const inputs = {
        totalMinor: total.minor,
        enrolledAt,
        ...(measured(enrollmentId) ?? { completedLessons: 0, totalLessons: 0 }),
      }
      const verdict = { ...refundPolicy('removal@1')(inputs, actors.now()), inputs }
      const id = `${removalId}-${enrollmentId}`
      const known = actors.story(`settlement:${id}`)
      if (known) actors.send(`settlement:${id}`, { type: 'planner.measured', verdict } as EventObject)
      else {
        const parties = { orgId, removalId, enrollmentId, offeringId, studentId, courseTitle, removalReason }
        actors.create('settlement', id, { ...parties, refundId: `refund-${id}`, total, paymentId, verdict })
      }
    }
    const total = settlementsOf(removalId).length
    actors.send(`removal:${removalId}`, { type: 'planner.finished', total, planned: {} } as EventObject)
  }

  const runRemoval = (removalId: string) => {
    if ((valueOf(`removal:${removalId}`) as { running?: string }).running !== 'moving') return
    for (const name of settlementsOf(removalId))
      if (valueOf(name) === 'planned') actors.send(name, { type: 'removal.run' })
  }

  const measureLessons = (owner: Name, enrollmentId: string) => {
    const counts = measured(enrollmentId)
    const message = counts
      ? { type: 'lessons.measured', ...counts }
      : { type: 'lessons.unmeasurable', reason: 'there are others' }
    actors.send(owner, message)
  }

  const verify = (owner: Name) => {
    const reference = idOf(owner)
    const status = received.has(reference) ? 'success' : 'abandoned'
    const amount = { amountMinor: PRICE.minor, currency: PRICE.currency }
    actors.send(owner, {
      type: 'provider.verified',
      status,
      reference,
      ...amount,
      paidAt: null,
      card: null,
    } as EventObject)
  }

  const carryOut = (effect: Promised) => {
    const { name, owner, params } = effect
    const { removalId = '', enrollmentId = '' } = params as { removalId?: string; enrollmentId?: string }
    switch (name) {
      case 'tell':
        return actors.tell(effect)
      case 'tellAll': {
        const { actor, where, message } = params as {
          actor: string
          where: Readonly<Record<string, string>>
          message: object
        }
        const isMeant = (each: Name) =>
          Object.entries(where).every(
            ([column, value]) => contextOf<Record<string, unknown>>(each)[column] === value,
          )
        for (const each of actors.names(actor).filter(isMeant))
          promised.push({ ...effect, name: 'tell', params: { actor, id: idOf(each), message } })
        return
      }
      case 'initializePayment':
        return actors.send(owner, {
          type: 'provider.initialized',
          accessCode: 'a',
          authorizationUrl: 'https://a.example',
        } as EventObject)
      case 'verifyPayment':
        return verify(owner)
      case 'planRemoval':
        return planRemoval(removalId)
      case 'runRemoval':
        return runRemoval(removalId)
      case 'measureLessons':
        return measureLessons(owner, enrollmentId)
    }
  }

  const isSold = () => isOnSale(actors.story(OFFERING)!.snapshot as never)

  const enroll = (userId: string) => {
    if (!isSold() || enrollments().some(({ of }) => of.userId === userId && of.endedAt === null)) return
    actors.create('enrollment', `e${(made += 1)}`, {
      orgId: 'org-1',
      userId,
      offeringId: 'offering-1',
      ownerId: 'tutor-1',
      offeringTitle: 'First aid',
      price: PRICE,
      requiredLessons: null,
      rosterId: 'roster-1',
      purchaseId: `purchase-${userId}`,
      welcomeId: `welcome-${made}`,
      policy: { payWithinMs: 30 * MINUTE, refund, keepsAccess },
    })
  }

  const initiate = (payerId: string) => {
    if (!isSold()) return
    actors.create('payment', `p${(made += 1)}`, {
      orgId: 'org-1',
      payerId,
      offeringId: 'offering-1',
      amount: PRICE,
      method: 'card',
      email: null,
      authorizationId: null,
      purchaseId: `purchase-${payerId}`,
      rosterId: 'roster-1',
      autoRefundId: `auto-p${made}`,
      policy: { abandonAfterMs: 30 * MINUTE },
    })
  }

  const pendingRefunds = () =>
    actors.names('payment').flatMap((name) =>
      contextOf<PaymentContext>(name)
        .refunds.filter(({ standing }) => standing === 'pending')
        .map((pending) => ({ name, ...pending })),
    )

  /** Only what somebody has asked for at the desk does not fail: nobody but they would try it again. */
  const endRefund = (pick: number, fails: boolean) => {
    const found = chosen(pendingRefunds(), pick)
    if (!found) return
    const standing = fails && !found.refundId.startsWith('desk-') ? 'failed' : 'processed'
    actors.send(found.name, { type: 'refund.changed', refundId: found.refundId, standing } as EventObject)
  }

  const retry = (pick: number) => {
    const stuck = actors
      .names('settlement')
      .filter((name) => ['failed', 'needsReview'].includes(valueOf(name) as string))
      .filter((name) => contextOf<SettlementContext>(name).counted)
    const kept = actors.names('payment').filter((name) => stuckOf(contextOf<PaymentContext>(name)) > 0)
    const name = chosen([...stuck, ...kept], pick)
    const type = name && kept.includes(name) ? 'retryRefund' : 'retry'
    if (name) command(name, type, 'admin-1', { refundId: `refund-again-${(made += 1)}` })
    return name !== undefined
  }

  const schedule = (pick: number) => {
    const active = chosen(
      enrollments().filter(({ value }) => value === 'active'),
      pick,
    )
    if (!active) return
    const { id: enrollmentId, userId: studentId } = active.of
    const parties = { orgId: 'org-1', tutorId: 'tutor-1', studentId, enrollmentId, offeringId: 'offering-1' }
    actors.create('lesson', `l${(made += 1)}`, { ...parties, startsAt: AT, durationMinutes: 60 })
  }

  const REASON = { reason: 'taken down' }
  const commandOne = (type: string, pick: number, by: string, fields?: object) => {
    const one = chosen(enrollments(), pick)
    if (one) command(one.name, type, by, fields)
  }
  const removals = () => actors.names('removal')

  const happen = (happening: Happening): void => {
    switch (happening.do) {
      case 'deliver': {
        const effect = chosen(promised, happening.pick)
        if (!effect) return
        const type = (effect.params as { message?: EventObject }).message?.type ?? ''
        const isTwice = happening.again && effect.name === 'tell' && !ONCE.includes(type)
        if (!isTwice) promised.splice(promised.indexOf(effect), 1)
        return carryOut(effect)
      }
      case 'enroll':
        return enroll(happening.learner)
      case 'initiate':
        return initiate(happening.learner)
      case 'pay': {
        const name = chosen(actors.names('payment'), happening.pick)
        if (!name || contextOf<PaymentContext>(name).checkout === null) return
        received.add(idOf(name))
        return actors.send(name, { type: 'webhook.charged' })
      }
      case 'cancel': {
        const name = chosen(actors.names('payment'), happening.pick)
        if (name) command(name, 'cancel', contextOf<PaymentContext>(name).payerId)
        return
      }
      case 'drop':
        return commandOne('drop', happening.pick, 'learner')
      case 'suspend':
        return commandOne('suspend', happening.pick, 'admin-1', { reason: 'a dispute' })
      case 'resume':
        return commandOne('resume', happening.pick, 'admin-1')
      case 'learn': {
        const progress = { moduleId: MODULE, progress: 1, timeSpentSeconds: 0, modules: [MODULE] }
        return commandOne('recordProgress', happening.pick, 'learner', progress)
      }
      case 'ask':
        return commandOne('requestRefund', happening.pick, 'learner', {
          refundId: `asked-${(made += 1)}`,
          reason: 'no',
        })
      case 'grant':
        return commandOne('approveRefund', happening.pick, 'admin-1', { amountMinor: happening.minor })
      case 'reject':
        return commandOne('rejectRefund', happening.pick, 'admin-1', { note: 'no' })
      case 'schedule':
        return schedule(happening.pick)
      case 'complete':
      case 'callOff': {
        const name = chosen(actors.names('lesson'), happening.pick)
        const type = happening.do === 'complete' ? 'complete' : 'cancel'
        if (name) command(name, type, 'tutor-1', { reason: 'ill' })
        return
      }
      case 'deskRefund': {
        const name = chosen(actors.names('payment'), happening.pick)
        // "Everything" is what is left at that moment: what is under way may fail, and is nobody's decision here.
        if (!name || contextOf<PaymentContext>(name).refunds.some(({ standing }) => standing === 'pending'))
          return
        const before = contextOf<PaymentContext>(name).refunds.length
        command(name, 'requestRefund', 'admin-1', {
          refundId: `desk-${(made += 1)}`,
          approved: true,
          full: true,
          reason: 'desk',
        })
        if (contextOf<PaymentContext>(name).refunds.length > before) deskRefunds.add(idOf(name))
        return
      }
      case 'retry':
        retry(happening.pick)
        return
      case 'endRefund':
        return endRefund(happening.pick, happening.fails)
      case 'plan':
        if (isSold())
          actors.create('removal', `r${(made += 1)}`, {
            orgId: 'org-1',
            offeringId: 'offering-1',
            title: 'First aid',
            startedBy: 'admin-1',
            dryRun: true,
            ...REASON,
          })
        return
      case 'run':
        for (const name of removals()) command(name, 'run', 'admin-1')
        return
      case 'remove':
        return command(OFFERING, 'remove', 'admin-1', { removalId: `r${(made += 1)}`, ...REASON })
      case 'discard':
        for (const name of removals()) command(name, 'discard', 'admin-1')
        return
      case 'pause':
        for (const name of removals()) command(name, 'pause', 'admin-1')
        return
      case 'goOn':
        for (const name of removals()) command(name, 'resume', 'admin-1')
        return
      case 'advance':
        return actors.until(new Date(Date.parse(actors.now()) + happening.ms).toISOString())
    }
  }

  /** Everything that has begun comes to its end, and what is stuck is tried again until it succeeds. */
  const end = (newestFirst: boolean) => {
    for (let turns = 0; turns < 5_000; turns += 1) {
      if (promised.length > 0) {
        const [effect] = promised.splice(newestFirst ? promised.length - 1 : 0, 1)
        carryOut(effect!)
      } else if (pendingRefunds().length > 0) endRefund(0, false)
      else if (!retry(0)) {
        happen({ do: 'goOn' })
        const dueAt = actors.nextDueAt()
        if (promised.length === 0 && !dueAt) return
        if (promised.length === 0 && dueAt) actors.until(dueAt)
      }
    }
    throw new Error('it never comes to an end')
  }

  actors.create('offering', 'offering-1', {
    orgId: 'org-1',
    ownerId: 'tutor-1',
    tutorProfileId: 'profile-1',
    title: 'First aid',
    description: null,
    price: PRICE,
    category: null,
    terms: { kind: 'course', durationMinutes: 90, difficulty: 'beginner', coverImageUrl: null },
    tutor: { approved: true, displayName: null, version: 1 },
    rosterId: 'roster-1',
    published: true,
  })
  return { actors, happen, end, enrollments, valueOf, contextOf, deskRefunds, measured }
}

export type World = ReturnType<typeof createWorld>

export const idOf = (name: Name): string => name.split(':')[1] ?? ''

const chosen = <Item>(items: readonly Item[], pick: number): Item | undefined =>
  items.length > 0 ? items[pick % items.length] : undefined
