import type { SnapshotFrom } from 'xstate'
import { lessonContract } from '../contracts/lesson.ts'
import { refused } from '../contracts/protocol.ts'
import { lessonMachine } from '../machines/lesson.ts'
import { defineActor, type Principal } from './actor.ts'
import { enrollment } from './enrollment.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers, isOperator } from './rules.ts'

type Given = { context: { orgId: string; tutorId: string } }

/** Whoever gives it, or an administrator. */
const gives = (principal: Principal, { context: { orgId, tutorId } }: Given): boolean =>
  orgId === principal.orgId && (tutorId === principal.userId || administers(principal))

const explainEarly = ({ context: { startsAt } }: SnapshotFrom<typeof lessonMachine>) => ({
  code: 'not_begun',
  message: `it begins at ${startsAt} only`,
})

export const lesson = defineActor({
  contract: lessonContract,
  machine: lessonMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    tutorId: { type: 'uuid', indexed: true, of: ({ context }) => context.tutorId },
    studentId: { type: 'uuid', indexed: true, of: ({ context }) => context.studentId },
    enrollmentId: { type: 'uuid', indexed: true, of: ({ context }) => context.enrollmentId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    status: { type: 'text', of: ({ value }) => value },
    startsAt: { type: 'instant', of: ({ context }) => context.startsAt },
  },
  topics: { lesson: 'id', enrollment: 'enrollmentId', user: 'studentId', org: 'orgId' },
  scopes: (principal) => {
    const { orgId, userId } = principal
    return isOperator(principal)
      ? [{ orgId }]
      : [
          { orgId, studentId: userId },
          { orgId, tutorId: userId },
        ]
  },
  allow: { schedule: gives, reschedule: gives, complete: gives, miss: gives, cancel: gives },
  create: {
    schedule: async ({ id, payload, principal, at, lookup }) => {
      const { enrollmentId, startsAt, durationMinutes } = payload
      const found = await lookup.actor(enrollment, enrollmentId)
      const { orgId, userId: studentId, ownerId: tutorId, offeringId } = found?.context ?? {}
      if (!found || orgId !== principal.orgId || (tutorId !== principal.userId && !administers(principal)))
        return refused('not_found', 'enrollmentId: no such enrollment')
      if (!found.matches('active')) return refused('not_enrolled', 'this enrollment is not active')
      const parties = { orgId, tutorId: tutorId!, studentId: studentId!, offeringId: offeringId! }
      return { ok: true, input: { id, at, ...parties, enrollmentId, startsAt, durationMinutes } }
    },
  },
  explain: { complete: explainEarly, miss: explainEarly },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ value, context }, id) => {
    const { enrollmentId, offeringId, studentId, tutorId, startsAt, durationMinutes, reason } = context
    const parties = { enrollmentId, offeringId, studentId, tutorId }
    return { id, ...parties, status: value, startsAt, durationMinutes, reason }
  },
})
