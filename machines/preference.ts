import { setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { NotificationSettings, PreferenceCommand, PreferenceEvent } from '../contracts/preference.ts'
import { givenOf } from './given-fields.ts'

export type PreferenceInput = Envelope & { id: string; orgId: string; userId: string } & NotificationSettings

export type PreferenceContext = Omit<PreferenceInput, keyof Envelope>

const preference = setup({
  types: {
    context: {} as PreferenceContext,
    input: {} as PreferenceInput,
    events: {} as PreferenceCommand,
    emitted: {} as PreferenceEvent,
  },
})

export const settingsOf = (settings: NotificationSettings) => {
  const { language, timeZone, email, push, topics, quietHours } = settings
  return { language, timeZone, email, push, topics, quietHours }
}

const tell = preference.emit(({ context }) => ({
  type: 'preference.changed',
  userId: context.userId,
  ...settingsOf(context),
}))

/** How one person wants to be told things. */
export const preferenceMachine = preference.createMachine({
  id: 'preference@1',
  context: ({ input: { at: _at, by: _by, source: _source, ...input } }) => input,
  entry: tell,
  initial: 'set',
  states: {
    set: {
      on: {
        set: {
          actions: [
            preference.assign(({ event }) =>
              givenOf<NotificationSettings>(event, [
                'language',
                'timeZone',
                'email',
                'push',
                'topics',
                'quietHours',
              ]),
            ),
            tell,
          ],
        },
      },
    },
  },
})
