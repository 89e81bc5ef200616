import type { z } from 'zod'
import type { AnyActorDefinition, Principal } from '../../actors/actor.ts'
import type { Reply } from '../../contracts/protocol.ts'

/** A call of a name of its own that stands for commands or queries of one contract. */
export type OwnCall = {
  name: string
  summary: string
  definition: AnyActorDefinition
  /** The command or query that it is described by: what it takes, unless `input` says so, and what it answers. */
  like: string
  input?: z.ZodObject
  answer: (ask: Ask, payload: unknown, principal: Principal) => Promise<Reply>
}

/** Sends a command or a query of the call's contract, for whoever has called. */
export type Ask = (name: string, payload: unknown) => Promise<Reply>
