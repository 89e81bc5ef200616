import type { FactNews } from '../../contracts/achievement.ts'
import type { EnrollmentView } from '../../contracts/enrollment.ts'
import type { LessonView } from '../../contracts/lesson.ts'
import type { NotificationView } from '../../contracts/notification.ts'
import type { LiveEvent } from '../../contracts/protocol.ts'
import { derivedId } from '../../actors/derived-id.ts'

/** What an event of the journal says to whom. */
export type Heard =
  | { to: 'achievement'; userId: string; news: FactNews }
  | { to: 'badge'; badgeId: string; news: { type: 'notification.made' } }

/**
 * Which events are facts, and whose. Each fact has an id that follows from what happened, so that it is counted once,
 * however often it is told.
 */
export const FACTS: Readonly<Record<string, (event: LiveEvent) => readonly Heard[]>> = {
  'lesson.completed': ({ actor, at, view }) => {
    const { studentId, tutorId } = view as LessonView
    return [
      counted(studentId, derivedId('fact', actor.id, 'taken'), activity('lesson', at)),
      counted(tutorId, derivedId('fact', actor.id, 'given'), activity('teaching', at)),
    ]
  },
  'enrollment.progressed': ({ actor, at, view, data }) => {
    const { moduleId, moduleProgress } = data as { moduleId: string; moduleProgress: number }
    if (moduleProgress < 1) return []
    const { userId } = view as EnrollmentView
    return [counted(userId, derivedId('fact', actor.id, moduleId), activity('module', at))]
  },
  'enrollment.completed': ({ actor, at, view }) => {
    const { userId, offeringId } = view as EnrollmentView
    return [counted(userId, completionOf(actor.id), training(offeringId, at))]
  },
  // Whoever got everything back has not taken part, as far as badges go.
  'enrollment.refunded': ({ actor, view }) => {
    const { userId, offeringId, completedAt } = view as EnrollmentView
    // It may be in the sums, where it has no name any more.
    const fact = completedAt === null ? null : training(offeringId, completedAt)
    const news = { type: 'fact.takenBack', factId: completionOf(actor.id), fact } as const
    return [{ to: 'achievement', userId, news }]
  },
  'notification.created': ({ view }) => {
    const { topic, subject } = view as NotificationView
    return topic === 'badge.earned'
      ? [{ to: 'badge', badgeId: subject.id, news: { type: 'notification.made' } }]
      : []
  },
}

/** The types of actors that these events are of. */
export const FOLLOWED: readonly string[] = [
  ...new Set(Object.keys(FACTS).map((type) => type.slice(0, type.indexOf('.')))),
]

const completionOf = (enrollmentId: string) => derivedId('fact', enrollmentId, 'completed')

type Recorded = Extract<FactNews, { type: 'fact.recorded' }>

const training = (of: string, occurredAt: string): Recorded['fact'] => {
  return { kind: 'training', of, count: 1, occurredAt }
}

const activity = (of: string, occurredAt: string): Recorded['fact'] => {
  return { kind: 'activity', of, count: 1, occurredAt }
}

const counted = (userId: string, factId: string, fact: Recorded['fact']): Heard => {
  return { to: 'achievement', userId, news: { type: 'fact.recorded', factId, fact } }
}
