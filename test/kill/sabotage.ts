import type { EventFrame } from '../../contracts/protocol.ts'
import type { SentCommand } from './commander.ts'
import type { Place } from './place.ts'

/** Ways to break a promise on purpose. A campaign that passes with one of them checks nothing. */
export const SABOTAGES = ['lose-event', 'lose-command', 'forget-command', 'roll-back'] as const
export type Sabotage = (typeof SABOTAGES)[number]

export type Saboteur = {
  /** `lose-event`: one client loses one event, and its cursor moves all the same. */
  loses: (frame: EventFrame) => boolean
  /**
   * `lose-command`: an answer is made up that no server gave. `forget-command`: something happened that nobody sent.
   * `roll-back`: the data are those of one kill earlier.
   */
  afterKill: (round: number, commands: Map<string, SentCommand>) => Promise<void>
}

const EVENT = 25

export const createSaboteur = (sabotage: Sabotage | undefined, place: Place): Saboteur => {
  let seen = 0
  return {
    loses: () => sabotage === 'lose-event' && ++seen === EVENT,
    afterKill: async (round, commands) => {
      if (sabotage === 'roll-back') await (round === 2 ? place.rollBack() : place.save())
      const accepted = [...commands.values()].find(({ reply }) => reply?.ok)
      if (round < 2 || !accepted) return
      if (sabotage === 'forget-command') commands.delete(accepted.id)
      if (sabotage === 'lose-command') commands.set('made up', { ...accepted, id: 'made up' })
    },
  }
}
