import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Active } from '../../actors/engine/turn.ts'
import type { Routed } from '../../persistence/journal.ts'

/** Waiting until an actor has got somewhere: for clients who ask once and want the outcome, not the beginning. */
export type Arrivals = {
  /** @returns the actor as it was seen last: satisfying, unless the time was up or the server stops */
  until: (wanted: Wanted) => Promise<Active | undefined>
  /** Every event of the journal, as it is delivered on this node. */
  deliver: (events: readonly Routed[]) => void
  /** Whoever waits gets what there is. */
  stop: () => void
}

type Wanted = {
  definition: AnyActorDefinition
  id: string
  satisfies: (actor: Active) => boolean
  timeoutMs: number
}

/** A turn without events wakes nobody, and a node may be behind; the pause grows because both are rare. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 2_000

export const createArrivals = ({ peek }: Pick<Engine, 'peek'>): Arrivals => {
  const waiting = new Map<string, Set<Waiter>>()
  let stopped = false

  const until = async ({ definition, id, satisfies, timeoutMs }: Wanted) => {
    const waiter = aWaiter()
    const others = waiting.get(id) ?? new Set()
    waiting.set(id, others.add(waiter))
    let isOver = false
    const end = setTimeout(() => {
      isOver = true
      waiter.wake()
    }, timeoutMs)
    try {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        const actor = await peek(definition.contract.actor, id)
        if (isOver || stopped || (actor && satisfies(actor))) return actor
        await waiter.woken(pauseMs)
      }
    } finally {
      clearTimeout(end)
      others.delete(waiter)
      if (others.size === 0) waiting.delete(id)
    }
  }

  return {
    until,
    deliver: (events) => {
      if (waiting.size === 0) return
      for (const { event } of events) for (const waiter of waiting.get(event.actor.id) ?? []) waiter.wake()
    },
    stop: () => {
      stopped = true
      for (const waiters of waiting.values()) for (const waiter of waiters) waiter.wake()
    },
  }
}

type Waiter = ReturnType<typeof aWaiter>

/** Somebody who calls while the waiter is looking is heard afterwards. */
const aWaiter = () => {
  let bell = Promise.withResolvers<void>()
  return {
    wake: () => bell.resolve(),
    woken: async (atMostMs: number) => {
      const timer = setTimeout(bell.resolve, atMostMs)
      await bell.promise
      clearTimeout(timer)
      bell = Promise.withResolvers()
    },
  }
}
