import { defineEntity, p, type EntitySchema } from '@mikro-orm/core'
import type { AnyActorDefinition, ColumnType } from '../actors/actor.ts'
import type { Timers } from '../actors/engine/store.ts'

/** `mentorId` → `mentor_id`, as MikroORM's naming strategy does it. */
export const columnName = (property: string): string =>
  property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

export const tableName = (actor: string): string => columnName(actor)

export const SQL_TYPES: Record<ColumnType, string> = {
  uuid: 'uuid',
  text: 'text',
  instant: 'timestamptz(3)',
  integer: 'bigint',
  boolean: 'boolean',
}

const PROPERTY_TYPES = {
  uuid: () => p.uuid(),
  text: () => p.text(),
  instant: () => p.datetime(3),
  integer: () => p.bigint('number'),
  boolean: () => p.boolean(),
} satisfies Record<ColumnType, () => unknown>

/** The row of one actor. `version` counts its turns; `timers` says which timers are set, as the table `timer` does for all actors. */
export type ActorRow = {
  id: string
  version: number
  machine: string
  state: string
  snapshot: object
  timers: Timers
}

const schemas = new Map<string, EntitySchema<ActorRow>>()

/** The MikroORM entity of an actor type, made from its definition. */
export const actorEntity = ({ contract, columns }: AnyActorDefinition): EntitySchema<ActorRow> => {
  const known = schemas.get(contract.actor)
  if (known) return known
  const queryable = Object.fromEntries(
    Object.entries(columns).map(([name, { type }]) => [name, PROPERTY_TYPES[type]().nullable()]),
  )
  const schema = defineEntity({
    name: `Actor_${contract.actor}`,
    tableName: tableName(contract.actor),
    properties: {
      id: p.uuid().primary(),
      version: p.integer(),
      machine: p.text(),
      state: p.text(),
      snapshot: p.json<object>(),
      timers: p.json<Timers>(),
      ...queryable,
    },
  }) as unknown as EntitySchema<ActorRow>
  schemas.set(contract.actor, schema)
  return schema
}
