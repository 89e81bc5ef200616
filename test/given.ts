import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, EventObject, InputFrom } from 'xstate'
import { expect } from 'vitest'
import { start, step, type Effect, type Step } from '../actors/engine/step.ts'

type Timer = { dueAt: string; event: EventObject }

type Expected = {
  state: unknown
  /** Of the last `when`, `fire` or `until`; none unless told. */
  events?: unknown[]
  effects?: unknown[]
  /** All that are set, name → due instant. */
  timers?: Record<string, string>
  /** The part of the context that matters. */
  context?: object
  /** The machine did not take the last message. */
  refused?: true
}

export type Story<Machine extends AnyStateMachine> = {
  snapshot: AnyMachineSnapshot
  /** What the last `when`, `fire` or `until` brought, each fact with the instant of its message. */
  facts: readonly { at: string; event: EventObject }[]
  effects: readonly Effect[]
  timers: Readonly<Record<string, Timer>>
  /** Sends messages; no timer fires between them, as when the node is behind. */
  when: (...messages: EventFromLogic<Machine>[]) => Story<Machine>
  /** Fires one timer, at its due instant. */
  fire: (name: string) => Story<Machine>
  /** Lets the clock run: all timers that become due fire in due order, each at its own due instant. */
  until: (at: string) => Story<Machine>
  expect: (expected: Expected) => Story<Machine>
}

type Past = Pick<Story<AnyStateMachine>, 'snapshot' | 'facts' | 'effects' | 'timers'> & { refused: boolean }

/** `given(machine, input).when(message, …).expect({ state, events })`, as the engine would run it. */
export const given = <Machine extends AnyStateMachine>(
  machine: Machine,
  input: InputFrom<Machine> & { at: string },
): Story<Machine> => tell(machine, after(start(machine, input), input.at, {}))

const tell = <Machine extends AnyStateMachine>(machine: Machine, past: Past): Story<Machine> => {
  const { refused, ...present } = past
  const story: Story<Machine> = {
    ...present,
    when: (...messages) =>
      tell(
        machine,
        messages.reduce((before, message) => take(machine, before, message), quiet(past)),
      ),
    fire: (name) => tell(machine, fire(machine, quiet(past), name)),
    until: (at) => {
      let now = quiet(past)
      for (let name = nextDue(now, at); name; name = nextDue(now, at)) now = fire(machine, now, name)
      return tell(machine, now)
    },
    expect: ({ events = [], ...expected }) => {
      const actual = {
        state: past.snapshot.value,
        events: past.facts.map(({ event }) => event),
        refused,
        effects: past.effects,
        timers: Object.fromEntries(Object.entries(past.timers).map(([name, { dueAt }]) => [name, dueAt])),
      }
      const told = Object.keys(expected).filter((name) => name !== 'context')
      const { context, ...rest } = { refused: false, ...expected, events }
      expect(pick(actual, ['events', 'refused', ...told])).toEqual(rest)
      if (context) expect(past.snapshot.context).toMatchObject(context)
      return story
    },
  }
  return story
}

const quiet = (past: Past): Past => ({ ...past, facts: [], effects: [] })

const take = (machine: AnyStateMachine, past: Past, message: EventObject): Past => {
  const { at } = message as EventObject & { at: string }
  const stepped = step(machine, past.snapshot, message)
  const next = after(stepped, at, past.timers)
  return {
    ...next,
    facts: [...past.facts, ...next.facts],
    effects: [...past.effects, ...next.effects],
    refused:
      stepped.snapshot === past.snapshot &&
      stepped.events.length + stepped.effects.length + stepped.timers.length === 0,
  }
}

const fire = (machine: AnyStateMachine, past: Past, name: string): Past => {
  const { [name]: timer, ...timers } = past.timers
  if (!timer) throw new Error(`no timer '${name}' is set`)
  return take(machine, { ...past, timers }, { ...timer.event, at: timer.dueAt } as EventObject)
}

const nextDue = ({ timers }: Past, at: string): string | undefined =>
  Object.entries(timers)
    .filter(([, { dueAt }]) => dueAt <= at)
    .toSorted(([, a], [, b]) => (a.dueAt < b.dueAt ? -1 : 1))[0]?.[0]

const after = (
  { snapshot, events, effects, timers: changes }: Step,
  at: string,
  before: Past['timers'],
): Past => {
  const timers = { ...before }
  for (const change of changes) {
    if ('cancel' in change) delete timers[shortName(change.cancel)]
    else {
      const dueAt = new Date(Date.parse(at) + change.delayMs).toISOString()
      timers[shortName(change.set)] = { dueAt, event: change.event }
    }
  }
  return { snapshot, effects, timers, facts: events.map((event) => ({ at, event })), refused: false }
}

/** `xstate.after.expiry.payment@1.open` → `expiry` */
const shortName = (name: string): string => name.split('.')[2] ?? name

const pick = (from: Record<string, unknown>, names: string[]) =>
  Object.fromEntries(names.map((name) => [name, from[name]]))
