import { assertEvent, setup } from 'xstate'
import type { CertificateOpened, EnrollmentRefunded } from '../contracts/certificate.ts'
import type { Envelope } from '../contracts/contract.ts'
import type {
  EnrollmentAnswer,
  EnrollmentCommand,
  EnrollmentEvent,
  EnrollmentStatus,
  LessonChanged,
  ModuleProgress,
  RefundRequest,
  RemovalNews,
} from '../contracts/enrollment.ts'
import type { Money } from '../contracts/money.ts'
import type { RefundDue, RefundNews } from '../contracts/payment.ts'
import type { EnrollmentWish, PurchaseNews } from '../contracts/purchase.ts'
import type { EnrollmentNews, RosterAnswer } from '../contracts/roster.ts'
import type { Notice } from './notification.ts'
import { refundPolicy, type RefundCase } from './refund-policies.ts'

export type EnrollmentInput = Envelope & {
  id: string
  orgId: string
  userId: string
  offeringId: string
  /** The tutor. */
  ownerId: string
  offeringTitle: string
  /** The price, as it was then; nothing for what is free. */
  price: Money
  /** How many lessons complete it; null when its modules do. */
  requiredLessons: number | null
  rosterId: string
  purchaseId: string
  /** Of the notification that welcomes the learner. */
  welcomeId: string
  policy: {
    /** How long the learner may take to pay. Milliseconds. */
    payWithinMs: number
    /** The refund policy that decides what a learner asks for. */
    refund: string
    /** Whether a full refund leaves the learner in. */
    keepsAccess: boolean
    /** After so many days without progress the learner is reminded, once; never without it, or when it is 0. */
    remindAfterDays?: number
  }
}

export type EnrollmentContext = Omit<EnrollmentInput, keyof Envelope> & {
  enrolledAt: string
  activatedAt: string | null
  /** Absent in enrollments stored before 0.6. */
  completedAt?: string | null
  endedAt: string | null
  endReason: string | null
  /** The roster has let it in. */
  admitted: boolean
  paymentId: string | null
  paid: Money | null
  /** The purchase's version at the newest word about money; older ones arrive late and are ignored. */
  purchaseVersion: number
  modules: Readonly<Record<string, Omit<ModuleProgress, 'moduleId'>>>
  /** Of all modules, as they were when progress was recorded last. */
  progress: number
  resumeAt: string | null
  /** Every module that the offering had then is done. */
  modulesDone: boolean
  lessons: Readonly<Record<string, { status: LessonChanged['status']; version: number }>>
  refundRequest: RefundRequest | null
  settlementId: string | null
  /** When there was progress of any kind, or the learner came back; absent before that. */
  touchedAt?: string
  /** Absent until then. */
  remindedAt?: string
}

/** What a learner had of what was paid. */
export type Used = Omit<RefundCase, 'totalMinor'>

type Sent = Envelope & Required<Pick<Envelope, 'source'>>

type EnrollmentMessage =
  | Exclude<EnrollmentCommand, { type: 'enroll' | 'recordProgress' | 'requestRefund' }>
  /** `modules`: those that the offering has now. */
  | (Extract<EnrollmentCommand, { type: 'recordProgress' }> & { modules: readonly string[] })
  | (Extract<EnrollmentCommand, { type: 'requestRefund' }> & { refundId: string; usedBesides?: Used })
  | ((RosterAnswer | PurchaseNews | LessonChanged | RemovalNews | RefundNews | CertificateOpened) & Sent)

type Told =
  | { actor: 'roster'; id: string; message: EnrollmentNews; orCreate: object }
  | { actor: 'purchase'; id: string; message: EnrollmentWish; orCreate: object }
  | { actor: 'payment'; id: string; message: RefundDue }
  | { actor: 'settlement'; id: string; message: EnrollmentAnswer }
  | { actor: 'certificate'; id: string; message: EnrollmentRefunded }

export const enrollment = setup({
  types: {
    context: {} as EnrollmentContext,
    input: {} as EnrollmentInput,
    events: {} as EnrollmentMessage,
    emitted: {} as EnrollmentEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    tellAll: (
      _,
      _params: {
        actor: 'certificate'
        where: { holderId: string; offeringId: string }
        message: EnrollmentRefunded
      },
    ) => {},
    create: (_, _params: Notice) => {},
  },
  guards: {
    isFree: ({ context }) => context.price.minor === 0,
    /** What the purchase says may arrive in another order than it was said in. */
    isNews: ({ context, event }) => 'source' in event && event.source.version > context.purchaseVersion,
    isProgress: ({ context, event }) => {
      assertEvent(event, 'recordProgress')
      const known = context.modules[event.moduleId]?.progress ?? 0
      return event.modules.includes(event.moduleId) && event.progress >= known
    },
    isComplete: ({ context }) => isComplete(context),
    mayAskForMoney: ({ context }) => context.refundRequest === null && context.paid !== null,
    isAsked: ({ context }) => context.refundRequest?.status === 'pending',
    isGrantable: ({ context, event }) =>
      event.type === 'approveRefund' && (event.amountMinor ?? 0) <= (context.paid?.minor ?? 0),
    isNewsOfLesson: ({ context, event }) => {
      assertEvent(event, 'lesson.changed')
      return event.source.version > (context.lessons[event.source.id]?.version ?? 0)
    },
    losesAccess: ({ context, event }) =>
      'source' in event && event.source.version > context.purchaseVersion && !context.policy.keepsAccess,
    isRefunded: ({ event }) => event.type === 'removal.ended' && event.outcome === 'refunded',
    isIdle: ({ context, event }) => Date.parse(event.at) >= idleAtMs(context),
    isOurSettlement: ({ context, event }) => 'source' in event && event.source.id === context.settlementId,
  },
  delays: {
    payment: ({ context }) => context.policy.payWithinMs,
    idle: ({ context, event }) => Math.max(0, idleAtMs(context) - Date.parse(event.at)),
  },
})

const DAY_MS = 24 * 60 * 60_000

/** When the learner is to be reminded, unless there is progress before. */
const idleAtMs = ({ policy, touchedAt, activatedAt, remindedAt }: EnrollmentContext): number => {
  const { remindAfterDays = 0 } = policy
  // The setting is written by hand: what is no number of days reminds nobody.
  if (!(Number.isFinite(remindAfterDays) && remindAfterDays > 0) || remindedAt !== undefined) return Infinity
  return Date.parse(touchedAt ?? activatedAt!) + remindAfterDays * DAY_MS
}

export const factsOf = ({ userId, offeringId }: EnrollmentContext) => ({ userId, offeringId })

const lessonsOf = ({ lessons }: Pick<EnrollmentContext, 'lessons'>) => {
  const arranged = Object.values(lessons).filter(({ status }) => status !== 'cancelled')
  const completed = arranged.filter(({ status }) => status === 'completed')
  return { completedLessons: completed.length, totalLessons: arranged.length }
}

/** Those that it knows of and that were not called off. */
export const lessonIdsOf = ({ lessons }: Pick<EnrollmentContext, 'lessons'>): string[] =>
  Object.entries(lessons).flatMap(([id, { status }]) => (status === 'cancelled' ? [] : [id]))

const isComplete = (context: EnrollmentContext): boolean =>
  context.requiredLessons === null
    ? context.modulesDone
    : lessonsOf(context).completedLessons >= context.requiredLessons

export const payBeforeOf = ({ enrolledAt, policy }: EnrollmentContext): string =>
  new Date(Date.parse(enrolledAt) + policy.payWithinMs).toISOString()

const tellRoster = (message: (context: EnrollmentContext) => EnrollmentNews) =>
  enrollment.enqueueActions(({ context, enqueue }) => {
    const { rosterId: id, orgId, offeringId } = context
    const told = { actor: 'roster', id, message: message(context), orCreate: { orgId, offeringId } } as const
    enqueue({ type: 'tell', params: told })
  })

/** The payer's own purchase is made by whoever speaks to it first. */
const tellPurchase = (message: (context: EnrollmentContext) => EnrollmentWish) =>
  enrollment.enqueueActions(({ context, enqueue }) => {
    const { purchaseId: id, orgId, userId: payerId, offeringId, rosterId } = context
    const orCreate = { orgId, payerId, offeringId, rosterId }
    enqueue({ type: 'tell', params: { actor: 'purchase', id, message: message(context), orCreate } })
  })

export const ask = tellRoster(() => ({ type: 'enrollment.opened' }))

export const admit = enrollment.assign({ admitted: true })

export const reserve = enrollment.enqueueActions(({ context, enqueue }) => {
  const { price } = context
  enqueue.emit({ type: 'enrollment.reserved', ...factsOf(context), price, payBefore: payBeforeOf(context) })
  enqueue(tellPurchase(({ enrolledAt }) => ({ type: 'enrollment.opened', openedAt: enrolledAt })))
})

export const takePayment = enrollment.assign(({ context, event }) => {
  assertEvent(event, 'purchase.paid')
  const { paymentId, amount, source } = event
  return { paymentId, paid: amount ?? context.price, purchaseVersion: source.version }
})

export const activate = enrollment.enqueueActions(({ context, event, enqueue }) => {
  const { orgId, userId: recipientId, welcomeId, offeringTitle, id, paymentId } = context
  enqueue.assign({ activatedAt: event.at })
  enqueue.emit({ type: 'enrollment.activated', ...factsOf(context) })
  if (paymentId !== null) enqueue(tellPurchase(() => ({ type: 'enrollment.activated', paymentId })))
  const subject = { actor: 'enrollment', id }
  const text = `Welcome to ${offeringTitle}.`
  const data = { offeringTitle }
  const input = { orgId, recipientId, topic: 'enrollment.welcome', subject, text, data }
  enqueue({ type: 'create', params: { actor: 'notification', id: welcomeId, input } })
})

export const recordProgress = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'recordProgress')
  const { moduleId, progress, timeSpentSeconds, modules: present, at } = event
  const known = context.modules[moduleId]
  const entry = {
    progress,
    timeSpentSeconds: Math.max(timeSpentSeconds, known?.timeSpentSeconds ?? 0),
    lastAccessedAt: at,
    completedAt: known?.completedAt ?? (progress === 1 ? at : null),
  }
  const modules = { ...context.modules, [moduleId]: entry }
  const shares = present.map((id) => modules[id]?.progress ?? 0)
  const overall = shareOf(shares)
  enqueue.emit({
    type: 'enrollment.progressed',
    ...factsOf(context),
    moduleId,
    moduleProgress: progress,
    progress: overall,
  })
  const modulesDone = shares.every((share) => share === 1)
  enqueue.assign({ modules, progress: overall, resumeAt: moduleId, modulesDone, touchedAt: at })
})

/** The mean of shares with four decimals, rounded down; counted in ten-thousandths, which are whole numbers. */
const shareOf = (shares: readonly number[]): number =>
  Math.floor(shares.reduce((sum, share) => sum + Math.round(share * 10_000), 0) / shares.length) / 10_000

export const takeLesson = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'lesson.changed')
  const { status, source } = event
  const lessons = { ...context.lessons, [source.id]: { status, version: source.version } }
  enqueue.emit({ type: 'enrollment.lessonChanged', ...factsOf(context), lessonId: source.id, status })
  enqueue.assign({ lessons, touchedAt: event.at })
})

export const noteReturn = enrollment.assign({ touchedAt: ({ event }) => event.at })

/** Nothing has happened for a while. */
export const remind = enrollment.enqueueActions(({ context, event, enqueue }) => {
  const { orgId, userId: recipientId, offeringTitle, id } = context
  const subject = { actor: 'enrollment', id }
  const text = `${offeringTitle} is waiting for you.`
  const data = { offeringTitle }
  const input = { orgId, recipientId, topic: 'enrollment.reminder', subject, text, data }
  enqueue.assign({ remindedAt: event.at })
  enqueue({ type: 'create', params: { actor: 'notification', input } })
})

/** Whoever is done takes no place any more: the offering may be deleted. */
export const complete = enrollment.enqueueActions(({ context, event, enqueue }) => {
  enqueue.emit({ type: 'enrollment.completed', ...factsOf(context) })
  enqueue(tellRoster(({ admitted }) => ({ type: 'enrollment.ended', admitted })))
  enqueue.assign({ admitted: false, completedAt: event.at })
})

export const suspend = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'suspend')
  enqueue.emit({ type: 'enrollment.suspended', ...factsOf(context), reason: event.reason })
})

/** With other enrollments on the same payment, too. */
export const usedInAll = (own: Used, besides: Used | undefined): Used =>
  besides
    ? {
        enrolledAt: besides.enrolledAt < own.enrolledAt ? besides.enrolledAt : own.enrolledAt,
        completedLessons: own.completedLessons + besides.completedLessons,
        totalLessons: own.totalLessons + besides.totalLessons,
      }
    : own

export const requestRefund = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'requestRefund')
  const { refundId, reason, at, by = null } = event
  const used = usedInAll({ enrolledAt: context.enrolledAt, ...lessonsOf(context) }, event.usedBesides)
  const inputs: RefundCase = { totalMinor: context.paid!.minor, ...used }
  const { policy, decision, amountMinor, note } = refundPolicy(context.policy.refund)(inputs, at)
  const isOpen = decision === 'review'
  const status = isOpen ? 'pending' : decision === 'none' ? 'rejected' : 'autoApproved'
  const firstLessonCompleted = inputs.completedLessons === 1
  const asked = { refundId, reason, requestedBy: by, requestedAt: at, firstLessonCompleted, policy, inputs }
  const open = { processedAt: null, outcome: null, adminNote: null, decidedAt: isOpen ? null : at }
  enqueue.emit({ type: 'enrollment.refundRequested', ...factsOf(context), reason })
  enqueue.assign({ refundRequest: { ...asked, ...open, status, amountMinor, note } })
  if (!isOpen)
    enqueue.emit({ type: 'enrollment.refundDecided', ...factsOf(context), status, amountMinor, note })
  if (status === 'autoApproved') enqueue(giveBack)
})

export const approveRefund = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'approveRefund')
  const { at, amountMinor = context.paid!.minor, note: adminNote = null } = event
  const decided = { status: 'approved', decidedAt: at, amountMinor, adminNote } as const
  enqueue.assign({ refundRequest: { ...context.refundRequest!, ...decided } })
  const note = adminNote ?? context.refundRequest!.note
  enqueue.emit({
    type: 'enrollment.refundDecided',
    ...factsOf(context),
    status: 'approved',
    amountMinor,
    note,
  })
  enqueue(giveBack)
})

export const rejectRefund = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'rejectRefund')
  const { at, note } = event
  const decided = { status: 'rejected', decidedAt: at, adminNote: note } as const
  enqueue.assign({ refundRequest: { ...context.refundRequest!, ...decided } })
  enqueue.emit({
    type: 'enrollment.refundDecided',
    ...factsOf(context),
    status: 'rejected',
    amountMinor: 0,
    note,
  })
})

/** Always with an amount: a refund without one would be a refund of everything. */
const giveBack = enrollment.enqueueActions(({ context: { refundRequest, paymentId }, enqueue }) => {
  const { refundId, amountMinor: upToMinor, reason } = refundRequest!
  const message = { type: 'refund.due', refundId, upToMinor, reason } as const
  enqueue({ type: 'tell', params: { actor: 'payment', id: paymentId!, message } })
})

export const takeRefundNews = enrollment.assign(({ context: { refundRequest }, event }) => {
  assertEvent(event, ['payment.refundEnded', 'payment.nothingDue'])
  if (refundRequest?.refundId !== event.refundId) return {}
  const outcome = event.type === 'payment.nothingDue' ? 'nothing_due' : event.standing
  const processedAt = outcome === 'processed' ? event.at : null
  return { refundRequest: { ...refundRequest, outcome, processedAt } }
})

/** Nobody uses it any more; the settlement hears what there is to be settled. */
export const beginClosing = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'removal.began')
  const { source, reason } = event
  enqueue.assign({ settlementId: source.id })
  enqueue.emit({ type: 'enrollment.closing', ...factsOf(context), reason })
  enqueue(answerSettlement)
})

export const answerSettlement = enrollment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'removal.began')
  const { paymentId, paid, enrolledAt, lessons } = context
  const lessonIds = lessonIdsOf({ lessons })
  const message = { type: 'enrollment.closing', paymentId, paid, enrolledAt, lessonIds } as const
  enqueue({ type: 'tell', params: { actor: 'settlement', id: event.source.id, message } })
})

export const sendSettlementAway = (status: EnrollmentStatus) =>
  enrollment.enqueueActions(({ event, enqueue }) => {
    assertEvent(event, 'removal.began')
    const message = { type: 'enrollment.over', status } as const
    enqueue({ type: 'tell', params: { actor: 'settlement', id: event.source.id, message } })
  })

/** `ended` is told to everybody who counted on it. */
export const end = (
  type: 'enrollment.dropped' | 'enrollment.cancelled' | 'enrollment.refunded',
  given?: string,
) =>
  enrollment.enqueueActions(({ context, event, enqueue }) => {
    const reason = given ?? reasonOf(event)
    enqueue.assign({ endedAt: event.at, endReason: reason })
    if (type === 'enrollment.dropped') enqueue.emit({ type, ...factsOf(context) })
    else enqueue.emit({ type, ...factsOf(context), reason })
    enqueue(tellRoster(({ admitted }) => ({ type: 'enrollment.ended', admitted })))
    if (context.price.minor > 0) enqueue(leavePurchase)
  })

const reasonOf = (event: EnrollmentMessage): string => {
  if (event.type === 'removal.ended') return event.note
  return event.type === 'roster.closed' ? `offering_${event.closed}` : event.type
}

export const leavePurchase = tellPurchase(({ paymentId }) => ({ type: 'enrollment.ended', paymentId }))

/**
 * What was certified is looked at again; one that is being issued meanwhile asks by itself. Of all enrollments in the
 * offering at most one is not over, and whoever enrols anew has the certificate of the first.
 */
export const withdrawCertificates = enrollment.enqueueActions(
  ({ context: { userId: holderId, offeringId }, enqueue }) => {
    const message = { type: 'enrollment.refunded' } as const
    enqueue({ type: 'tellAll', params: { actor: 'certificate', where: { holderId, offeringId }, message } })
  },
)

export const withdrawCertificate = enrollment.enqueueActions(({ event, enqueue }) => {
  assertEvent(event, 'certificate.opened')
  const message = { type: 'enrollment.refunded' } as const
  enqueue({ type: 'tell', params: { actor: 'certificate', id: event.source.id, message } })
})

/** The roster let in what had given up waiting. */
export const leaveAfterAll = enrollment.enqueueActions(({ enqueue }) => {
  enqueue.assign({ admitted: true })
  enqueue(tellRoster(() => ({ type: 'enrollment.ended', admitted: true })))
})

export const noteVersion = enrollment.assign({
  purchaseVersion: ({ context, event }) =>
    'source' in event ? event.source.version : context.purchaseVersion,
})
