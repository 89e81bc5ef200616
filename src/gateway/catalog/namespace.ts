import type { AnyActorDefinition } from '../../../actors/actor.ts'
import type { OwnCall } from '../own-call.ts'
import { businessCalls, catalogActors } from './business-calls.ts'

type Joined = {
  name: string
  summary: string
  definitions: readonly AnyActorDefinition[]
  ownCalls: readonly OwnCall[]
}

/** `/catalog`, where there is a catalogue. */
export const catalogNamespace = (definitions: readonly AnyActorDefinition[]): Joined[] =>
  catalogActors.every((definition) => definitions.includes(definition))
    ? [
        {
          name: 'catalog',
          summary: 'The catalogue: tutor profiles, offerings, their materials and their categories',
          definitions: catalogActors,
          ownCalls: Object.values(businessCalls),
        },
      ]
    : []
