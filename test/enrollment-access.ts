import { linesOf, type Access, type Line } from './support/access-table.ts'

/**
 * Who may do what once somebody learns: enrollments, lessons, payments, refunds and removals. The test runs this table, and
 * `docs/access.md` is made from it.
 */

export const PEOPLE = {
  anybody: 'without a sign-in, in the default organisation of the server',
  student: 'a student, of whom nothing of it is',
  learner: 'whose it is: a student who is a mentor as well',
  tutor: 'an instructor of something else',
  owner: 'the instructor of the offering',
  coordinator: 'the coordinator in charge of the learner',
  'other coordinator': 'a coordinator of other mentors',
  csm: 'a customer success manager',
  admin: 'an administrator',
  outsider: 'an administrator of another organisation',
} as const

export type Somebody = keyof typeof PEOPLE

export const OBJECTS = {
  offering: {
    published: 'published and approved; the learner is enrolled',
    unpublished: 'a draft again; the learner is enrolled',
    flagged: 'flagged by an administrator; the learner is enrolled',
    left: 'a draft again; the learner has left',
  },
  material: {
    active: 'of an offering in which the learner is enrolled',
    unpublished: 'the same, when the offering is a draft again',
    suspended: 'when the enrollment is suspended',
    completed: 'when the learner has completed the offering',
    dropped: 'when the learner has left',
  },
  enrollment: {
    none: 'before there is one',
    requested: 'its roster has not answered',
    pendingPayment: 'reserved until it is paid',
    active: 'paid, and begun',
    suspended: 'by an administrator',
    completed: 'every module is done',
    closing: 'its offering is removed, and its money is looked at',
    dropped: 'the learner has left',
    cancelled: 'before it began',
    refunded: 'everything went back',
  },
  'refund request': {
    free: 'of an enrollment for which nothing was paid',
    pending: 'no policy says yes, and nobody has decided',
    decided: 'an administrator has said no',
  },
  lesson: {
    none: 'of an active enrollment',
    over: 'of an enrollment that is over',
    scheduled: 'arranged',
    completed: 'given',
    missed: 'the learner did not come',
    cancelled: 'called off',
  },
  payment: {
    none: 'of an offering that costs something',
    open: 'under way',
    failed: 'nothing came',
    settled: 'the money is there',
    stuck: 'what was to go back could not',
  },
  purchase: { free: 'nothing is paid yet' },
  refund: {
    pendingApproval: 'nobody has decided',
    submitting: 'on its way to the provider',
    needsAttention: 'the card does not take it back',
    needsReview: 'nobody can find out what became of it',
    processed: 'with the payer',
    failed: 'the provider does not do it',
    rejected: 'by an administrator',
  },
  removal: {
    none: 'of an offering',
    planning: 'a dry run is made',
    planned: 'a dry run',
    closing: 'the roster has not answered',
    running: 'settlements are under way',
    paused: 'by an administrator',
    done: 'everything is settled',
    discarded: 'the dry run was thrown away',
    failed: 'the dry run could not be made',
  },
  settlement: {
    planned: 'of a dry run',
    closing: 'the enrollment has not answered',
    measuring: 'its lessons are counted',
    refunding: 'the payment gives back what is due',
    refunded: 'it has given it back',
    cancelled: 'nothing was due',
    skipped: 'the enrollment had ended',
    discarded: 'its dry run was thrown away',
    failed: 'the refund has failed',
    uncounted: 'the same, before the removal has heard of it',
    needsReview: 'its lessons cannot be counted',
  },
} as const

export type Thing = keyof typeof OBJECTS

const Y = 'allowed'
const U = 'unauthenticated'
const F = 'forbidden'
const N = 'not_found'
const STATE = 'not_allowed_in_state'

const states = linesOf(PEOPLE, OBJECTS)

// In the order of PEOPLE:
// anybody, student, learner, tutor, owner, coordinator, other coordinator, csm, admin, outsider.
const NOBODY: Line[1][] = [U, N, N, N, N, N, N, N, N, N]

/** The learner keeps what was begun, whether or not it is still offered (S2.66.6); not in the catalogue, though. */
const kept = (learner: string): Line[] => [
  ['offerings.get', N, N, learner, N, Y, N, N, Y, Y, N],
  ['offerings.list', N, N, N, N, Y, N, N, Y, Y, N],
  ['offerings.journal', U, N, N, N, Y, N, N, Y, Y, N],
]

const offerings = states('offering', {
  published: [
    ['offerings.get', Y, Y, Y, Y, Y, Y, Y, Y, Y, N],
    ['offerings.list', Y, Y, Y, Y, Y, Y, Y, Y, Y, N],
    ['offerings.journal', U, N, N, N, Y, N, N, Y, Y, N],
  ],
  unpublished: kept(Y),
  flagged: kept(Y),
  left: kept(N),
})

/** S2.45, S2.52, S2.53: of its tutor, administrators, and who has an active enrollment. */
const material = (learner: string): Line[] => [
  ['materials.get', N, N, learner, N, Y, N, N, N, Y, N],
  ['materials.list', N, N, learner, N, Y, N, N, N, Y, N],
  ['materials.update', U, N, N, N, Y, N, N, N, Y, N],
  ['materials.journal', U, N, N, N, Y, N, N, N, Y, N],
]

const materials = states('material', {
  active: material(Y),
  unpublished: material(Y),
  suspended: material(N),
  completed: material(N),
  dropped: material(N),
})

/** What its learner, its tutor, the coordinator in charge and operators see (C49). */
const enrollmentIsSeen: Line[] = ['get', 'list', 'journal'].map((name) => [
  `enrollments.${name}`,
  U,
  N,
  Y,
  N,
  Y,
  Y,
  N,
  Y,
  Y,
  N,
])

/** Who sees it hears `forbidden`; a coordinator looks only, and for others it is not there. */
const byLearner = (verdict: string) => [U, N, verdict, N, F, N, N, F, F, N]
const byAdmin = (verdict: string) => [U, N, F, N, F, N, N, F, verdict, N]

type Commands = Partial<
  Record<
    'drop' | 'recordProgress' | 'requestRefund' | 'suspend' | 'resume' | 'approveRefund' | 'rejectRefund',
    string
  >
>
const enrollmentIn = (commands: Commands): Line[] => [
  ...enrollmentIsSeen,
  ...(['drop', 'recordProgress', 'requestRefund'] as const).map((name): Line => [
    `enrollments.${name}`,
    ...byLearner(commands[name] ?? STATE),
  ]),
  ...(['suspend', 'resume', 'approveRefund', 'rejectRefund'] as const).map((name): Line => [
    `enrollments.${name}`,
    ...byAdmin(commands[name] ?? STATE),
  ]),
]

const unasked = { approveRefund: 'nothing_requested', rejectRefund: 'nothing_requested' }

const enrollments = states('enrollment', {
  none: [
    ['enrollments.enroll', U, Y, Y, Y, 'own_offering', Y, Y, Y, Y, N],
    ['enrollments.enroll: userId', U, F, Y, F, F, F, F, F, Y, N],
    ['enrollments.get', ...NOBODY],
  ],
  requested: enrollmentIn({ drop: Y }),
  pendingPayment: enrollmentIn({ drop: Y }),
  active: [
    ['enrollments.enroll', U, Y, 'already_exists', Y, 'own_offering', Y, Y, Y, Y, N],
    ...enrollmentIn({ drop: Y, recordProgress: Y, requestRefund: Y, suspend: Y, ...unasked }),
  ],
  suspended: enrollmentIn({ drop: Y, resume: Y, ...unasked }),
  completed: enrollmentIn(unasked),
  closing: enrollmentIn({}),
  dropped: [
    ['enrollments.enroll', U, Y, Y, Y, 'own_offering', Y, Y, Y, Y, N],
    ...enrollmentIn({ requestRefund: Y, ...unasked }),
  ],
  cancelled: enrollmentIn({}),
  refunded: enrollmentIn({}),
})

const requests = states('refund request', {
  free: [['enrollments.requestRefund', ...byLearner('nothing_paid')]],
  pending: [
    ['enrollments.requestRefund', ...byLearner('already_requested')],
    ['enrollments.approveRefund', ...byAdmin(Y)],
    ['enrollments.approveRefund: amountMinor', ...byAdmin('not_refundable')],
    ['enrollments.rejectRefund', ...byAdmin(Y)],
  ],
  decided: [
    ['enrollments.requestRefund', ...byLearner('already_requested')],
    ['enrollments.approveRefund', ...byAdmin('nothing_requested')],
    ['enrollments.rejectRefund', ...byAdmin('nothing_requested')],
  ],
})

/** Whoever gives it, and administrators. */
const byTutor = (verdict: string) => [U, N, F, N, verdict, N, N, F, verdict, N]
const lessonIn = (verdict: string): Line[] => [
  ...['get', 'list', 'journal'].map((name): Line => [`lessons.${name}`, U, N, Y, N, Y, N, N, Y, Y, N]),
  ...['reschedule', 'complete', 'miss', 'cancel'].map((name): Line => [
    `lessons.${name}`,
    ...byTutor(verdict),
  ]),
]

const lessons = states('lesson', {
  none: [['lessons.schedule', U, N, N, N, Y, N, N, N, Y, N]],
  over: [['lessons.schedule', U, N, N, N, 'not_enrolled', N, N, N, 'not_enrolled', N]],
  scheduled: lessonIn(Y),
  completed: lessonIn(STATE),
  missed: lessonIn(STATE),
  cancelled: lessonIn(STATE),
})

/** Money is nobody's business but the payer's and the operators'. */
const money = (namespace: string, ...names: string[]): Line[] =>
  names.map((name) => [`${namespace}.${name}`, U, N, Y, N, N, N, N, Y, Y, N])
const byPayer = (verdict: string) => [U, N, verdict, N, N, N, N, F, verdict, N]
const byDecision = (verdict: string) => [U, N, F, N, N, N, N, F, verdict, N]

type PaymentCommands = Partial<Record<'verify' | 'cancel' | 'requestRefund' | 'stuck', string>>
const paymentIn = ({ stuck = STATE, ...commands }: PaymentCommands): Line[] => [
  // Where it stands, a coordinator in charge may know, too (C49).
  ['payments.get', U, N, Y, N, N, Y, N, Y, Y, N],
  ...money('payments', 'list', 'journal'),
  ...(['verify', 'cancel', 'requestRefund'] as const).map((name): Line => [
    `payments.${name}`,
    ...byPayer(commands[name] ?? STATE),
  ]),
  ['payments.retryRefund', ...byDecision(stuck)],
  ['payments.resolveRefund', ...byDecision(stuck)],
]

const payments = states('payment', {
  none: [['payments.initiate', U, Y, Y, Y, Y, Y, Y, Y, Y, N]],
  open: paymentIn({ verify: Y, cancel: Y }),
  failed: paymentIn({ verify: Y }),
  settled: paymentIn({ requestRefund: Y, stuck: 'nothing_stuck' }),
  stuck: paymentIn({ requestRefund: Y, stuck: Y }),
})

const purchases = states('purchase', { free: money('purchases', 'get', 'list', 'journal') })

const DECISIONS = ['approve', 'reject', 'resubmit', 'resolve'] as const
type RefundCommands = Partial<Record<(typeof DECISIONS)[number] | 'submitBankDetails', string>>
const refundIn = (commands: RefundCommands): Line[] => [
  ...money('refunds', 'get', 'list', 'journal'),
  ...DECISIONS.map((name): Line => [`refunds.${name}`, ...byDecision(commands[name] ?? STATE)]),
  ['refunds.submitBankDetails', ...byPayer(commands.submitBankDetails ?? STATE)],
]

const refunds = states('refund', {
  pendingApproval: refundIn({ approve: Y, reject: Y }),
  submitting: refundIn({}),
  needsAttention: refundIn({ submitBankDetails: Y }),
  needsReview: refundIn({ resubmit: Y, resolve: Y }),
  processed: refundIn({}),
  failed: refundIn({}),
  rejected: refundIn({}),
})

/** Operators look, administrators act; for everybody else there are none. */
const operated = (namespace: string): Line[] =>
  ['get', 'list', 'journal'].map((name) => [`${namespace}.${name}`, U, N, N, N, N, N, N, Y, Y, N])
const byAdminOfOperators = (verdict: string) => [U, N, N, N, N, N, N, F, verdict, N]

const STEPS = ['run', 'pause', 'resume', 'discard'] as const
const removalIn = (...possible: (typeof STEPS)[number][]): Line[] => [
  ...operated('removals'),
  ...STEPS.map((name): Line => [
    `removals.${name}`,
    ...byAdminOfOperators(possible.includes(name) ? Y : STATE),
  ]),
]

const removals = states('removal', {
  none: [['removals.plan', U, F, F, F, F, F, F, F, Y, N]],
  planning: removalIn('discard'),
  planned: removalIn('run', 'discard'),
  closing: removalIn(),
  running: removalIn('pause'),
  paused: removalIn('resume'),
  done: removalIn(),
  discarded: removalIn(),
  failed: removalIn('run', 'discard'),
})

const settlementIn = (verdict: string): Line[] => [
  ...operated('settlements'),
  ...['retry', 'resolve'].map((name): Line => [`settlements.${name}`, ...byAdminOfOperators(verdict)]),
]

const settlements = states('settlement', {
  planned: settlementIn(STATE),
  closing: settlementIn(STATE),
  measuring: settlementIn(STATE),
  refunding: settlementIn(STATE),
  refunded: settlementIn(STATE),
  cancelled: settlementIn(STATE),
  skipped: settlementIn(STATE),
  discarded: settlementIn(STATE),
  failed: settlementIn(Y),
  uncounted: settlementIn('overloaded'),
  needsReview: settlementIn(Y),
})

export const enrollmentAccess: readonly Access<Somebody>[] = [
  ...offerings,
  ...materials,
  ...enrollments,
  ...requests,
  ...lessons,
  ...payments,
  ...purchases,
  ...refunds,
  ...removals,
  ...settlements,
]
