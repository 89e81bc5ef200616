import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { Database, Migrations } from '../../persistence/database.ts'
import type { NodeRole } from '../roles.ts'
import type { ServerOptions } from './options.ts'

/** What every part of the server stands on. */
export type Ground = {
  options: ServerOptions
  roles: ReadonlySet<NodeRole>
  database: Database
  definitions: readonly AnyActorDefinition[]
  migrations: Migrations
  now: () => number
  newId: () => string
  failed: (error: unknown, context?: object) => void
}
