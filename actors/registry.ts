import type { AnyActorDefinition } from './actor.ts'
import { certification } from './certification.ts'
import { importActor } from './import.ts'
import { mentor } from './mentor.ts'

/** Every kind of actor that this build knows. A new statechart is one more line here. */
export const actors: readonly AnyActorDefinition[] = [certification, mentor, importActor]
