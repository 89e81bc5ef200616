import { lessonContract } from '../contracts/lesson.ts'
import { enrollmentContract } from '../contracts/enrollment.ts'
import type { EnrollmentContext, Used } from '../machines/enrollment-steps.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { lessonMachine } from '../machines/lesson.ts'
import { findAll } from './find.ts'
import type { Read } from './ports.ts'

const ENROLLMENT = { contract: enrollmentContract, machine: enrollmentMachine }
const LESSON = { contract: lessonContract, machine: lessonMachine }

type Asking = { id: string; of: EnrollmentContext }

/**
 * What the learners had of the same payment with other enrollments than these, by id: who leaves and comes back has used
 * what was used (S2.67). Lessons of those that were arranged and not held are none of it.
 */
export const usedBesides = async (
  search: Read['search'],
  orgId: string,
  enrollments: readonly Asking[],
): Promise<Map<string, Used>> => {
  const paid = enrollments.filter(({ of }) => of.paymentId !== null)
  if (paid.length === 0) return new Map()
  const offerings = new Set(paid.map(({ of }) => of.offeringId))
  const learners = [...new Set(paid.map(({ of }) => of.userId))]
  const found = await findAll(search, ENROLLMENT, {
    scopes: [...offerings].map((offeringId) => ({ orgId, offeringId })),
    where: [{ column: 'userId', is: 'in', value: learners }],
  })
  const byPayment = Map.groupBy(found, ({ snapshot }) => snapshot.context.paymentId)
  const held = await lessonsHeld(
    search,
    orgId,
    paid.flatMap(({ of }) => (byPayment.get(of.paymentId) ?? []).map(({ id }) => id)),
  )
  const used = new Map<string, Used>()
  for (const { id, of } of paid) {
    const others = (byPayment.get(of.paymentId) ?? []).filter((one) => one.id !== id)
    if (others.length === 0) continue
    const lessons = others.flatMap((one) => held.get(one.id) ?? [])
    used.set(id, {
      enrolledAt: others.map(({ snapshot }) => snapshot.context.enrolledAt).toSorted()[0]!,
      completedLessons: lessons.filter(({ state }) => state === 'completed').length,
      totalLessons: lessons.length,
    })
  }
  return used
}

const lessonsHeld = async (search: Read['search'], orgId: string, enrollmentIds: readonly string[]) => {
  if (enrollmentIds.length === 0) return new Map<string, { state: string }[]>()
  const found = await findAll(search, LESSON, {
    scopes: [{ orgId }],
    where: [
      { column: 'enrollmentId', is: 'in', value: enrollmentIds },
      { column: 'status', is: 'in', value: ['completed', 'missed'] },
    ],
  })
  return Map.groupBy(found, ({ snapshot }) => snapshot.context.enrollmentId)
}
