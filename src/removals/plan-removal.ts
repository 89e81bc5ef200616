import { z } from 'zod'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Found, Read } from '../../actors/ports.ts'
import { derivedId } from '../../actors/derived-id.ts'
import { enrollment } from '../../actors/enrollment.ts'
import { removal } from '../../actors/removal.ts'
import { settlement, settlementId } from '../../actors/settlement.ts'
import type { Verdict } from '../../contracts/settlement.ts'
import type { EnrollmentContext, Used } from '../../machines/enrollment-steps.ts'
import { refundPolicy } from '../../machines/refund-policies.ts'
import type { RemovalContext } from '../../machines/removal.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { failureOf } from '../effects/import-part.ts'
import { resultOf, type Report } from '../effects/report.ts'
import { measure } from './lessons.ts'

type Dependencies = {
  engine: Engine
  search: Read['search']
  report: Report
  now: () => number
}

const Params = z.object({ removalId: z.string() })

const PAGE = 100

/** What has begun or may begin: all that somebody could have paid for and not used up. */
const UNDER_WAY = ['requested', 'pending_payment', 'active', 'suspended']

/**
 * Makes one settlement for each enrollment of an offering. One that is cut off makes the rest when it begins anew: ids
 * follow from the enrollments, so there is never a second one.
 */
export const createPlanRemoval = (deps: Dependencies): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(200 * 2 ** attempts, 60_000),
  // As long as there are enrollments; each page ends by itself.
  timeoutMs: Infinity,
  concurrency: 2,
  run: async (effect, signal) => {
    const { removalId } = Params.parse(effect.params)
    const look = () => deps.engine.peek(removal.contract.actor, removalId)
    const context = (await look())?.snapshot.context as RemovalContext | undefined
    if (!context) return { final: 'there is no such removal' }
    for (let after: string | undefined; ;) {
      signal.throwIfAborted()
      const { found, next } = await deps.search(enrollment, {
        scopes: [{ orgId: context.orgId, offeringId: context.offeringId }],
        where: [{ column: 'status', is: 'in', value: UNDER_WAY }],
        after,
        limit: PAGE,
      })
      await planPage(deps, effect, context, found)
      // Nobody wants the rest of what has been thrown away meanwhile.
      if (next === undefined || (await look())?.state === 'discarded') break
      after = next
    }
    const { total, planned } = await sumsOf(deps, context)
    return deps.report(effect, { type: 'planner.finished', total, planned })
  },
})

const planPage = async (
  deps: Dependencies,
  effect: DueEffect,
  context: RemovalContext,
  found: readonly Found<typeof enrollment>[],
) => {
  const enrollments = found.map(({ id, snapshot }) => ({ id, of: snapshot.context }))
  const measured = await measure(deps.search, context.orgId, enrollments)
  const at = new Date(deps.now()).toISOString()
  await Promise.all(
    enrollments.map(({ id, of }) =>
      planOne(deps, effect, context, { id, of, at, measured: measured.get(id) }),
    ),
  )
}

type Planned = { id: string; of: EnrollmentContext; at: string; measured: Used | undefined }

/** What was planned before is brought up to date; what is under way already stays as it is. */
const planOne = async (
  { engine, now }: Dependencies,
  effect: DueEffect,
  context: RemovalContext,
  { id: enrollmentId, of, at, measured }: Planned,
) => {
  const { id: removalId, orgId, offeringId, title: courseTitle, reason: removalReason } = context
  const { userId: studentId, paymentId } = of
  const total = of.paid ?? { ...of.price, minor: 0 }
  const verdict = verdictOf(total.minor, of.enrolledAt, measured, at)
  const id = settlementId(removalId, enrollmentId)
  const actor = { type: 'settlement', id }
  const result = resultOf(effect, now)
  const parties = { orgId, removalId, enrollmentId, offeringId, studentId, courseTitle, removalReason }
  const refundId = derivedId('refund', id)
  const made = await engine.send({
    ...result,
    id: `effect:${effect.id}:${id}`,
    actor,
    type: 'created',
    payload: {},
    creation: { input: { ...parties, refundId, total, paymentId, verdict } },
    hash: effect.id,
  })
  if (made.ok) return
  if (made.error.code !== 'already_exists') throw failureOf(made)
  const measuredAgain = { type: 'planner.measured', payload: { verdict } }
  const told = await engine.send({
    ...result,
    id: `effect:${effect.id}:again:${id}`,
    actor,
    ...measuredAgain,
  })
  if (!told.ok) throw failureOf(told)
}

const POLICY = 'removal@1'

const verdictOf = (
  totalMinor: number,
  enrolledAt: string,
  measured: Used | undefined,
  at: string,
): Verdict => {
  if (!measured && totalMinor > 0) {
    const inputs = { totalMinor, enrolledAt, completedLessons: 0, totalLessons: 0 }
    const note = 'The lessons cannot be counted: an administrator has to look'
    return { policy: POLICY, decision: 'review', amountMinor: 0, note, inputs }
  }
  const inputs = { totalMinor, ...(measured ?? { enrolledAt, completedLessons: 0, totalLessons: 0 }) }
  return { ...refundPolicy(POLICY)(inputs, at), inputs }
}

/** Over all that is planned, also what an earlier run made. */
const sumsOf = async ({ search }: Dependencies, { id: removalId, orgId }: RemovalContext) => {
  const planned: Record<string, number> = {}
  let total = 0
  for (let after: string | undefined; ;) {
    const { found, next } = await search(settlement, { scopes: [{ orgId, removalId }], after, limit: 200 })
    for (const { view } of found) {
      const { currency, minor } = view.refundAmount
      total++
      planned[currency] = (planned[currency] ?? 0) + minor
    }
    if (next === undefined) return { total, planned }
    after = next
  }
}
