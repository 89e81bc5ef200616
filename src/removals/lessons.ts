import { findAll } from '../../actors/find.ts'
import { lesson } from '../../actors/lesson.ts'
import type { Read } from '../../actors/ports.ts'
import { usedBesides } from '../../actors/used-besides.ts'
import { lessonIdsOf, usedInAll, type EnrollmentContext, type Used } from '../../machines/enrollment-steps.ts'
import type { LessonContext } from '../../machines/lesson.ts'

/** Enrollments whose lessons are asked for at once. */
const TOGETHER = 100

type Lesson = { id: string; status: string; context: LessonContext }

/** All lessons of these enrollments that were not called off; however many there are (C14). */
const lessonsOf = async (
  search: Read['search'],
  orgId: string,
  enrollmentIds: readonly string[],
): Promise<Lesson[]> => {
  const found = await findAll(search, lesson, {
    scopes: [{ orgId }],
    where: [{ column: 'enrollmentId', is: 'in', value: enrollmentIds }],
  })
  const lessons = found.map(({ id, state, snapshot: { context } }) => ({ id, status: state, context }))
  return lessons.filter(({ status }) => status !== 'cancelled')
}

/**
 * How far each of these enrollments has got, by its lessons, together with what was used of the same payment besides;
 * `undefined` where the enrollment knows of other lessons than there are, because then nobody can say (C13).
 */
export const measure = async (
  search: Read['search'],
  orgId: string,
  enrollments: readonly { id: string; of: EnrollmentContext }[],
): Promise<Map<string, Used | undefined>> => {
  const measured = new Map<string, Used | undefined>()
  for (let from = 0; from < enrollments.length; from += TOGETHER) {
    const part = enrollments.slice(from, from + TOGETHER)
    const ids = part.map(({ id }) => id)
    const lessons = Map.groupBy(await lessonsOf(search, orgId, ids), ({ context }) => context.enrollmentId)
    const besides = await usedBesides(search, orgId, part)
    for (const { id, of } of part) {
      const counts = countsOf(lessons.get(id) ?? [], lessonIdsOf(of))
      measured.set(id, counts && usedInAll({ enrolledAt: of.enrolledAt, ...counts }, besides.get(id)))
    }
  }
  return measured
}

const countsOf = (lessons: readonly Lesson[], expected: readonly string[]) => {
  const found = new Set(lessons.map(({ id }) => id))
  if (found.size !== expected.length || expected.some((id) => !found.has(id))) return undefined
  const completed = lessons.filter(({ status }) => status === 'completed')
  return { completedLessons: completed.length, totalLessons: lessons.length }
}
