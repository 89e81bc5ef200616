import { assertEvent, setup } from 'xstate'
import type { Fact, FactNews } from '../contracts/achievement.ts'
import type { BadgeFactCommand, BadgeFactEvent } from '../contracts/badge-fact.ts'
import type { Envelope } from '../contracts/contract.ts'

export type BadgeFactInput = Envelope &
  Fact & { id: string; orgId: string; userId: string; achievementId: string }

export type BadgeFactContext = Omit<BadgeFactInput, keyof Envelope> & { takenBackReason: string | null }

type Told = {
  actor: 'achievement'
  id: string
  message: FactNews
  orCreate: { orgId: string; userId: string }
}

const badgeFact = setup({
  types: {
    context: {} as BadgeFactContext,
    input: {} as BadgeFactInput,
    events: {} as Exclude<BadgeFactCommand, { type: 'record' }>,
    emitted: {} as BadgeFactEvent,
  },
  actions: { tell: (_, _params: Told) => {} },
})

const factsOf = ({ userId, kind, of, count }: BadgeFactContext) => ({ userId, kind, of, count })

const tellAchievement = (type: FactNews['type']) =>
  badgeFact.enqueueActions(({ context, enqueue }) => {
    const { id: factId, orgId, userId, achievementId: id, kind, of, count, occurredAt } = context
    const message = { type, factId, fact: { kind, of, count, occurredAt } }
    enqueue({ type: 'tell', params: { actor: 'achievement', id, message, orCreate: { orgId, userId } } })
  })

/** One thing that somebody did, as somebody else says. Its achievement counts it as long as it stands. */
export const badgeFactMachine = badgeFact.createMachine({
  id: 'badgeFact@1',
  context: ({ input: { at: _at, by: _by, source: _source, ...input } }) => {
    return { ...input, takenBackReason: null }
  },
  entry: [
    badgeFact.emit(({ context }) => ({ type: 'badgeFact.recorded', ...factsOf(context) })),
    tellAchievement('fact.recorded'),
  ],
  initial: 'recorded',
  states: {
    recorded: {
      on: {
        takeBack: {
          target: 'takenBack',
          actions: [
            badgeFact.enqueueActions(({ context, event, enqueue }) => {
              assertEvent(event, 'takeBack')
              const { reason } = event
              enqueue.emit({ type: 'badgeFact.takenBack', ...factsOf(context), reason })
              enqueue.assign({ takenBackReason: reason })
            }),
            tellAchievement('fact.takenBack'),
          ],
        },
      },
    },
    takenBack: {},
  },
})
