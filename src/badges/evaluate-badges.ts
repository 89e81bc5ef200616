import { setImmediate as othersHadATurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Lookup } from '../../actors/actor.ts'
import { achievement } from '../../actors/achievement.ts'
import { badgeDefinition, earnableOf } from '../../actors/badge-definition.ts'
import { recipientOf } from '../../actors/badge-recipient.ts'
import { awardOf, badge, badgeId } from '../../actors/badge.ts'
import { findAll } from '../../actors/find.ts'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { AchievementContext } from '../../machines/achievement.ts'
import { awardPeriod, evidenceOf, isForgotten, isMet, windowOf } from '../../machines/badge-criteria.ts'
import type { BadgeDefinitionContext } from '../../machines/badge-definition.ts'
import { isOfEvaluation, type BadgeContext } from '../../machines/badge.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { failureOf } from '../effects/import-part.ts'
import { resultOf, type Report } from '../effects/report.ts'

type Dependencies = {
  engine: Engine
  lookup: Pick<Lookup, 'actor' | 'search' | 'userOrganisation'>
  report: Report
  now: () => number
}

/** Each looks at up to a thousand facts. */
const CASES_AT_ONCE = 50

const Params = z.object({ achievementId: z.string(), days: z.array(z.string()) })

/** One badge that there is, could be or could have been: of one definition in one period. */
type Case = {
  definition: BadgeDefinitionContext
  isFirst: boolean
  period: string
  /** The newest one, which alone may still stand. */
  newest: BadgeContext | undefined
  ordinal: number
}

/**
 * Holds what one person has done against all badges of the organisation that can be earned: awards what is met, and takes
 * back what is no longer met and may be taken back. One that is cut off begins anew and finds what it has done.
 */
export const createEvaluateBadges = (deps: Dependencies): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 60_000,
  concurrency: 8,
  run: async (effect, signal) => {
    const { achievementId, days } = Params.parse(effect.params)
    const known = await deps.engine.peek(achievement.contract.actor, achievementId)
    if (!known) return { final: 'there is no such achievement' }
    const achieved = known.snapshot.context as AchievementContext
    let awarded = 0
    let takenBack = 0
    for (const [index, one] of (await casesOf(deps, achieved, days)).entries()) {
      if (index % CASES_AT_ONCE === 0) await othersHadATurn()
      signal.throwIfAborted()
      const { definition, newest, period } = one
      const stands = newest !== undefined && newest.revokedAt === null
      const window = windowOf(definition.repeatable, period)
      const met = isMet(definition.criteria, achieved, window)
      // What cannot be known any more is no reason to take anything back.
      const isLost = !met && !isForgotten(definition.criteria, achieved, window)
      if (met && !stands && mayReturn(newest) && (await award(deps, effect, achieved, one))) awarded++
      if (isLost && stands && isRevocable(one) && (await takeBack(deps, effect, newest))) takenBack++
    }
    return deps.report(effect, { type: 'badges.evaluated', awarded, takenBack })
  },
})

/** What an administrator took back, an administrator gives again: nobody earns it by the next thing that they do. */
const mayReturn = (newest: BadgeContext | undefined) => newest?.revokedBy !== 'admin'

const isRevocable = ({ definition, newest }: Case) =>
  definition.revocable && newest !== undefined && isOfEvaluation(newest)

const casesOf = async (
  { lookup: { search } }: Dependencies,
  { orgId, userId }: AchievementContext,
  days: readonly string[],
): Promise<Case[]> => {
  const definitions = await findAll(search, badgeDefinition, earnableOf(orgId))
  if (definitions.length === 0) return []
  const cases = definitions.flatMap(({ state, snapshot: { context: definition } }) => {
    const periods = new Set(days.map((day) => awardPeriod(definition.repeatable, day)))
    return [...periods].map((period) => ({ definition, isFirst: state === 'active', period }))
  })
  const badges = await findAll(search, badge, {
    scopes: [{ orgId, recipientUserId: userId }],
    where: [{ column: 'period', is: 'in', value: [...new Set(cases.map(({ period }) => period))] }],
  })
  const byCase = Map.groupBy(
    badges.map(({ snapshot }) => snapshot.context),
    keyOf,
  )
  return cases.map((one) => {
    const own = byCase.get(keyOf({ definitionId: one.definition.id, period: one.period })) ?? []
    const newest = own.toSorted((first, second) => second.ordinal - first.ordinal)[0]
    return { ...one, newest, ordinal: newest?.ordinal ?? 0 }
  })
}

const keyOf = ({ definitionId, period }: Pick<BadgeContext, 'definitionId' | 'period'>) =>
  `${definitionId} ${period}`

/** @returns false when somebody was faster, or there is nobody to award it to */
const award = async (
  { engine, lookup, now }: Dependencies,
  effect: DueEffect,
  achieved: AchievementContext,
  { definition, isFirst, period, ordinal: before }: Case,
): Promise<boolean> => {
  const recipient = await recipientOf(lookup, achieved.orgId, achieved.userId)
  if (!recipient) return false
  const result = resultOf(effect, now)
  const ordinal = before + 1
  const { recipientUserId } = recipient
  const id = badgeId({ definitionId: definition.id, recipientUserId, period, ordinal })
  const evidence = evidenceOf(definition.criteria, achieved, windowOf(definition.repeatable, period))
  const what = { definition, isFirst, recipient, period, ordinal, evidence }
  const input = awardOf({ ...what, id, at: result.at, awardedBy: 'system', awardedById: null })
  const made = await engine.send({
    ...result,
    id: `effect:${effect.id}:${id}`,
    actor: { type: 'badge', id },
    type: 'criteria.met',
    payload: {},
    creation: { input },
  })
  if (!made.ok && made.error.code !== 'already_exists') throw failureOf(made)
  return made.ok
}

const takeBack = async (
  { engine, now }: Dependencies,
  effect: DueEffect,
  { id }: BadgeContext,
): Promise<boolean> => {
  const told = await engine.send({
    ...resultOf(effect, now),
    id: `effect:${effect.id}:${id}`,
    actor: { type: 'badge', id },
    type: 'criteria.lost',
    payload: { reason: 'criteria_no_longer_met' },
  })
  if (!told.ok) throw failureOf(told)
  return true
}
