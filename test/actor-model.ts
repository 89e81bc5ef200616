import type { AnyStateMachine, EventObject } from 'xstate'
import type { Effect } from '../actors/engine/step.ts'
import { given, type Story } from './given.ts'

/** `payment:payment-1` */
export type Name = string

type Actor = { machine: AnyStateMachine; story: Story<AnyStateMachine>; version: number }

/** An effect that has been promised, by whom and in which turn. */
export type Promised = Effect & { owner: Name; version: number }

type Told = { actor: string; id: string; message: EventObject; orCreate?: object }
type Made = { actor: string; id: string; input: object }

/** Actors that talk to each other, without an engine: messages wait until somebody delivers them, in any order. */
export const createActors = (machines: Record<string, AnyStateMachine>, startsAt: string) => {
  const actors = new Map<Name, Actor>()
  const promised: Promised[] = []
  const facts: { owner: Name; event: EventObject }[] = []
  /** All effects ever promised. */
  const history: Promised[] = []
  let now = startsAt

  const keep = (owner: Name, machine: AnyStateMachine, story: Story<AnyStateMachine>) => {
    const version = (actors.get(owner)?.version ?? 0) + 1
    actors.set(owner, { machine, story, version })
    facts.push(...story.facts.map(({ event }) => ({ owner, event })))
    const effects = story.effects.map((effect) => ({ ...effect, owner, version }))
    promised.push(...effects)
    history.push(...effects)
  }

  const create = (type: string, id: string, input: object) => {
    const name = `${type}:${id}`
    const machine = machines[type]
    if (!machine || actors.has(name)) return
    keep(name, machine, given(machine, { ...input, id, at: now }))
  }

  const send = (to: Name, message: EventObject) => {
    const actor = actors.get(to)
    if (!actor) return
    keep(to, actor.machine, actor.story.when({ ...message, at: now }))
  }

  const nextTimer = () =>
    [...actors]
      .flatMap(([owner, { story }]) =>
        Object.entries(story.timers).map(([timer, { dueAt }]) => ({ owner, timer, dueAt })),
      )
      .toSorted((a, b) => (a.dueAt < b.dueAt ? -1 : 1))[0]

  return {
    promised,
    facts,
    history,
    create,
    send,
    now: () => now,
    story: (name: Name) => actors.get(name)?.story,
    names: (type: string) => [...actors.keys()].filter((name) => name.startsWith(`${type}:`)),
    /** Delivers what one actor says to another. What is said to nobody is lost. */
    tell: ({ owner, version, params }: Promised) => {
      const [actor = '', id = ''] = owner.split(':')
      const told = params as Told
      if (told.orCreate) create(told.actor, told.id, told.orCreate)
      send(`${told.actor}:${told.id}`, { ...told.message, source: { actor, id, version } } as EventObject)
    },
    make: ({ params }: Promised) => {
      const { actor, id, input } = params as Made
      create(actor, id, input)
    },
    /** Moves the clock; all timers that become due fire in due order, each at its own instant. */
    until: (at: string) => {
      for (let due = nextTimer(); due && due.dueAt <= at; due = nextTimer()) {
        const { machine, story } = actors.get(due.owner)!
        keep(due.owner, machine, story.fire(due.timer))
      }
      if (at > now) now = at
    },
    nextDueAt: () => nextTimer()?.dueAt,
  }
}
