import type { AnyActorDefinition } from '../actors/actor.ts'
import { activate } from '../actors/engine/turn.ts'
import type { Found } from '../actors/ports.ts'
import type { ActorRow } from './actor-table.ts'

/** A stored row as queries hand it on. */
export const foundOf = (
  definition: AnyActorDefinition,
  { id, version, machine, state, snapshot, timers }: ActorRow,
): Found => {
  const active = activate(definition, { id, version, machine, snapshot, timers })
  return { id, version, state, snapshot: active.snapshot, view: definition.view(active.snapshot, id) }
}
