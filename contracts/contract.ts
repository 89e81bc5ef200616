import type { z } from 'zod'

/** One request that a client may send to an actor. Its answer is always the actor's view. */
export type CommandContract = {
  summary: string
  /** The command's own fields; the reserved keys `id`, `commandId` and `expectedVersion` are added to it. */
  input: z.ZodObject
  /** The command makes a new actor instead of addressing an existing one. */
  creates?: boolean
  /** Fields that nobody may read where they are kept: they are encrypted before anything else sees the command. */
  sealed?: readonly string[]
  /** Refusal codes beside the ones that every command shares. */
  errors?: readonly string[]
}

/** One question that changes nothing. */
export type QueryContract = { summary: string; input: z.ZodObject; output: z.ZodType }

/** What may be said to one kind of actor: the source of handlers, routes, documents and client types. */
export type ActorContract = {
  /** The noun, singular: table, topic kind and event prefix. */
  actor: string
  /** The noun, plural: Socket.IO namespace and URL segment. */
  namespace: string
  /** For those who operate the server: it has no Socket.IO namespace of its own and stands in `/admin` only. */
  audience?: 'operators'
  commands: Record<string, CommandContract>
  queries: Record<string, QueryContract>
  /** Facts by full name, `<actor>.<past tense>`. */
  events: Record<string, z.ZodType>
  /** What clients see of an actor. */
  view: z.ZodType
}

/** Keeps literal types; nothing happens at run time. */
export const defineContract = <const Contract extends ActorContract>(contract: Contract): Contract => contract

/** `z.strictObject({})` infers an index signature, which would swallow the other keys of an intersection. */
export type Fields<Schema extends z.ZodType> =
  z.output<Schema> extends Record<string, never> ? unknown : z.output<Schema>

/** What the engine adds to each message on its way into a machine. */
export type Envelope = {
  /** When it happened: now for a command, the due instant for a timer. ISO-8601 UTC. */
  at: string
  /** The user who sent it; absent for the system. */
  by?: string
  /** The actor and version that sent it; present on messages between actors. */
  source?: { actor: string; id: string; version: number }
}

/** The messages that a machine receives from clients. */
export type CommandOf<C extends ActorContract> = {
  [Name in keyof C['commands'] & string]: { type: Name } & Envelope & Fields<C['commands'][Name]['input']>
}[keyof C['commands'] & string]

/** The facts that a machine emits. */
export type EventOf<C extends ActorContract> = {
  [Name in keyof C['events'] & string]: { type: Name } & Fields<C['events'][Name]>
}[keyof C['events'] & string]

export type ViewOf<C extends ActorContract> = z.output<C['view']>
