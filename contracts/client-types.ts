import type { z } from 'zod'
import type { catalogCalls, CatalogCall } from './catalog-calls.ts'
import type { ActorContract, CommandContract } from './contract.ts'
import type { Closing, EventFrame, Reply, SubscribeInput, Subscribed } from './protocol.ts'

/**
 * What a socket of a contract's own namespace may emit, for
 * `Socket<ServerToClient<typeof contract>, ClientToServer<typeof contract>>` of socket.io-client.
 */
export type ClientToServer<C extends ActorContract> = Calls<C> & ProtocolCalls

/** What it hears. */
export type ServerToClient<C extends ActorContract> = Events<C> & ProtocolEvents<FrameOf<C>>

/** The same in `/live`, where the names of all contracts have their namespace before them: `payments.initiate`. */
export type LiveClientToServer<C extends ActorContract> = Prefixed<C> & ProtocolCalls

/** Takes a union of contracts. Names of events have their actor before them anyway. */
export type LiveServerToClient<C extends ActorContract> = Merged<C extends unknown ? Events<C> : never> &
  ProtocolEvents<FrameOf<C>>

type Catalog = typeof catalogCalls
type CatalogContract = Catalog[keyof Catalog]['contract']

/** In `/catalog`: the names of the tutor catalogue, and beside them all of its contracts, as in `/live`. */
export type CatalogClientToServer = {
  [Name in keyof Catalog]: Call<PayloadLike<Catalog[Name]>, DataLike<Catalog[Name]>>
} & LiveClientToServer<CatalogContract>

export type CatalogServerToClient = LiveServerToClient<CatalogContract>

/** One event of a contract, or of several, with its data and the actor's view. */
export type FrameOf<C extends ActorContract, Name extends string = EventName<C>> = C extends unknown
  ? {
      [One in Name & keyof C['events']]: Omit<EventFrame, 'type' | 'actor' | 'data' | 'view'> & {
        type: One
        actor: { type: C['actor']; id: string }
        data: z.output<C['events'][One]>
        view: z.output<C['view']>
      }
    }[Name & keyof C['events']]
  : never

type EventName<C extends ActorContract> = C extends unknown ? keyof C['events'] & string : never

/** What a call takes that stands for a command or a query, and what that answers. */
type PayloadLike<One extends CatalogCall> = One extends { input: infer Input extends z.ZodType }
  ? z.input<Input>
  : Parameters<CallLike<One>>[0]
type DataLike<One extends CatalogCall> = Parameters<CallLike<One>>[1] extends (
  reply: Reply<infer Data>,
) => void
  ? Data
  : never
type CallLike<One extends CatalogCall> = Calls<One['contract']>[One['like'] & keyof Calls<One['contract']>]

type Call<Payload, Data> = (payload: Payload, ack: (reply: Reply<Data>) => void) => void

type Calls<C extends ActorContract> = {
  [Name in keyof C['commands'] & string]: Call<CommandPayload<C['commands'][Name]>, z.output<C['view']>>
} & {
  [Name in keyof C['queries'] & string]: Call<
    z.input<C['queries'][Name]['input']>,
    z.output<C['queries'][Name]['output']>
  >
}

type Prefixed<C extends ActorContract> = Merged<
  C extends unknown
    ? { [Name in keyof Calls<C> & string as `${C['namespace']}.${Name}`]: Calls<C>[Name] }
    : never
>

/** The command's own fields and the reserved ones; only a command that creates may leave out the actor. */
type CommandPayload<Command extends CommandContract> = Sent<Command['input']> & {
  commandId?: string
  expectedVersion?: number
} & (Command extends { creates: true } ? { id?: string } : { id: string })

/** `z.strictObject({})` infers an index signature, which would forbid the reserved keys. */
type Sent<Schema extends z.ZodType> =
  z.input<Schema> extends Record<string, never> ? unknown : z.input<Schema>

type ProtocolCalls = {
  subscribe: Call<z.input<typeof SubscribeInput>, Subscribed>
  unsubscribe: Call<{ topics: string[] }, { topics: string[] }>
  'session.refresh': Call<{ token: string }, { expiresAt: string }>
}

type Events<C extends ActorContract> = {
  [Name in keyof C['events'] & string]: (frame: FrameOf<C, Name>) => void
}

type ProtocolEvents<Frame> = {
  events: (batch: { topic: string; prev: number; events: Frame[] }) => void
  position: (position: { topic: string; position: number }) => void
  'topic.closed': (closed: { topic: string; reason: string }) => void
  'session.expiring': (session: { expiresAt: string }) => void
  'session.expired': (session: { expiresAt: string }) => void
  closing: (closing: Closing) => void
}

/** A | B → A & B. */
type Merged<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never
