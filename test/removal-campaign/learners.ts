import type { ScenarioName } from '../../src/paystack-simulator/scenarios.ts'
import type { Random } from '../kill/random.ts'

/** What somebody had done before the offering was removed. */
export type Story =
  /** Enrolled and paid. */
  | 'paid'
  | 'suspended'
  /** Left, and what was paid stays paid. */
  | 'dropped'
  /** Left and came back, on the same payment. */
  | 'returned'
  | 'unpaid'
  /** Pays when the removal is under way. */
  | 'late'
  /** Paid and never enrolled. */
  | 'alone'

export type Learner = {
  userId: string
  enrollmentId: string
  /** The second enrollment of who came back. */
  secondId: string
  paymentId: string
  story: Story
  price: number
  /** Lessons that who came back had had before leaving, on the same payment. */
  before: number
  completed: number
  scheduled: number
  cancelled: number
  /** What an administrator had given back before. Minor units. */
  earlier: number
  /** What the learner asked the payment for, which is decided when the removal is under way. */
  asked: number
  isRejected: boolean
  /** Has asked the enrollment for money, and nobody has decided. */
  wantsBack: boolean
  card: ScenarioName
  /** One that has been arranged and not been given. */
  lessonId: string | null
}

const STORIES: readonly (readonly [Story, number])[] = [
  ['paid', 0.72],
  ['suspended', 0.04],
  ['dropped', 0.05],
  ['returned', 0.03],
  ['unpaid', 0.09],
  ['late', 0.04],
  ['alone', 0.03],
]

export const hasPaid = ({ story }: Learner): boolean => story !== 'unpaid' && story !== 'late'

/** Who has an enrollment that the removal has to end. */
export const isIn = ({ story }: Learner): boolean => story !== 'dropped' && story !== 'alone'

export const liveId = ({ story, enrollmentId, secondId }: Learner): string =>
  story === 'returned' ? secondId : enrollmentId

/** As many as it takes until so many have an enrollment that the removal has to end. */
export const drawLearners = (random: Random, enrollments: number): Learner[] => {
  const learners: Learner[] = []
  for (let left = enrollments; left > 0;) {
    const learner = drawLearner(random)
    learners.push(learner)
    if (isIn(learner)) left--
  }
  return learners
}

/** Everybody has paid and had some lessons, and nothing goes wrong. */
export const plainLearners = (random: Random, count: number): Learner[] =>
  Array.from({ length: count }, () => {
    const lessons = random.int(0, 4)
    const completed = random.int(0, lessons)
    return { ...aLearner(random, 'paid'), completed, scheduled: lessons - completed, cancelled: 0 }
  })

const aLearner = (random: Random, story: Story): Learner => ({
  userId: random.uuid(),
  enrollmentId: random.uuid(),
  secondId: random.uuid(),
  paymentId: random.uuid(),
  story,
  price: random.int(5_000, 900_000),
  before: 0,
  completed: 0,
  scheduled: 0,
  cancelled: 0,
  earlier: 0,
  asked: 0,
  isRejected: false,
  wantsBack: false,
  card: 'success',
  lessonId: null,
})

const drawLearner = (random: Random): Learner => {
  const learner = aLearner(random, drawStory(random))
  if (learner.story === 'unpaid' || learner.story === 'late' || learner.story === 'alone') return learner
  const lessons = random.int(0, 7)
  learner.completed = random.int(0, lessons)
  learner.scheduled = lessons - learner.completed
  learner.cancelled = random.chance(0.3) ? random.int(1, 2) : 0
  if (learner.story === 'dropped') return learner
  if (learner.story === 'returned') learner.before = random.int(0, 3)
  // The policy for the first lesson would pay at once.
  learner.wantsBack = learner.before + learner.completed !== 1 && random.chance(0.08)
  const kind = random.next()
  if (kind < 0.1) learner.earlier = random.int(1, learner.price - 1)
  else if (kind < 0.14) {
    learner.asked = random.int(1, learner.price - 1)
    learner.isRejected = random.chance(0.5)
  } else if (kind < 0.19) learner.card = 'refund_fails'
  else if (kind < 0.22) learner.card = 'refund_needs_attention'
  return learner
}

const drawStory = (random: Random): Story => {
  let left = random.next()
  for (const [story, share] of STORIES) if ((left -= share) < 0) return story
  return 'paid'
}
