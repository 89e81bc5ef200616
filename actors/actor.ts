import type { AnyStateMachine, InputFrom, SnapshotFrom } from 'xstate'
import type { z } from 'zod'
import type { ActorContract, Fields, ViewOf } from '../contracts/contract.ts'
import type { Refusal, Refused } from '../contracts/protocol.ts'
import type { ActorType, Organisation, Person, Price, Read, SavedAuthorization, Upload } from './ports.ts'
import type { QueryHandler } from './queries.ts'

export const ROLES = [
  'student',
  'instructor',
  'admin',
  'coordinator',
  'peer_mentor',
  'csm',
  'system',
] as const
export type Role = (typeof ROLES)[number]

/** Who is asking. */
export type Principal = {
  userId: string
  orgId: string
  roles: readonly Role[]
}

export type ColumnType = 'uuid' | 'text' | 'instant' | 'integer' | 'boolean'
export type ColumnValue = string | number | boolean | null

/** A value that is copied out of the snapshot on each commit, so that queries and topics can use it. */
export type Column<Snapshot> = {
  type: ColumnType
  /** Unbounded values must not be indexed. */
  indexed?: boolean
  of: (snapshot: Snapshot) => ColumnValue
}

/** Equalities that are joined by "and"; the empty scope matches every actor. */
export type Scope<ColumnName extends string = string> = { readonly [Name in ColumnName | 'id']?: string }

/** What `create` may ask for before a new actor's input is complete. */
export type Lookup = {
  /** A committed snapshot, or `undefined` when there is no such actor. */
  actor: <Definition extends AnyActorDefinition>(
    definition: Definition,
    id: string,
  ) => Promise<SnapshotFrom<Definition['machine']> | undefined>
  organisation: (id: string) => Promise<Organisation | undefined>
  userOrganisation: (userId: string) => Promise<string | undefined>
  user: (id: string) => Promise<Person | undefined>
  /** What is stored, as queries find it; of types that this server does not have there is nothing. */
  search: Read['search']
  count: Read['count']
  /** Whether this server has actors of this type. */
  knows: (type: Pick<ActorType, 'contract'>) => boolean
  /** The file that was stored for an import of this id. */
  upload: (importId: string) => Promise<Upload | undefined>
  /** What an offering costs now; nothing when it is not for sale. */
  price: (offeringId: string) => Promise<Price | undefined>
  /** Whether there is anybody who takes payments. */
  takesPayments: () => boolean
  /** A saved card of this user, unless it has been removed. */
  authorization: (id: string, userId: string) => Promise<SavedAuthorization | undefined>
  /** How many payments of this payer have failed that were initiated since then. */
  failedPayments: (payerId: string, since: string) => Promise<number>
  /** Who has so many of them within an hour has to wait. */
  failedPaymentsPerHour: number
  /** Whether this server sends pushes. */
  takesPushes: () => boolean
  /** The same text for the same address, which comes sealed; nothing when this server would not send there. */
  pushMark: (sealedEndpoint: string) => string | undefined
}

/**
 * What a creating command comes to. `existing`: there is already what it asks for, and the command is a turn of that one,
 * which changes nothing; a state takes it when it has a transition for the command's name. With `changes` it is a command
 * to that one like any other, for what there is once and is made when it is first set. `after`: the newest of those
 * that stood there before and no longer do, so that a command which was answered by it is not carried out again. `id`: under
 * which it is made when the client has chosen none; where it follows from what there may be once, those who want the same
 * meet in one mailbox, and not at the unique index.
 */
export type Creation<Input> =
  | { ok: true; input: Input; id?: string; after?: string; existing?: undefined }
  | { ok: true; existing: string; changes?: true; id?: undefined; after?: undefined }
  | Refused

export type CreationRequest<Input> = {
  id: string
  payload: Input
  principal: Principal
  at: string
  lookup: Lookup
  /** An id that nothing has yet. */
  newId: () => string
}

/** `id` is the actor that the command addresses. */
export type Preparation<Input> = { ok: true; payload: Input & object } | Refused

type Creating<C extends ActorContract> = {
  [Name in keyof C['commands'] & string]: C['commands'][Name] extends { creates: true } ? Name : never
}[keyof C['commands'] & string]

type Payload<C extends ActorContract, Name extends keyof C['commands']> = Fields<C['commands'][Name]['input']>

export type ActorDefinition<
  C extends ActorContract,
  Machine extends AnyStateMachine,
  ColumnName extends string,
> = {
  contract: C
  machine: Machine
  /** Earlier versions whose snapshots may still be stored, each with the function that lifts them to `machine`. */
  earlier?: readonly { id: string; lift: (snapshot: never) => unknown }[]
  columns: Record<ColumnName, Column<SnapshotFrom<Machine>>>
  /** Topic kind → the column that holds its id. Each turn is published on the topics of before and after it. */
  topics: Record<string, NoInfer<ColumnName> | 'id'>
  /**
   * On the topic of a user (`user:<id>`) only that user hears of it. Operators watch such a topic, too, for what they may
   * know of.
   */
  confidential?: true
  /**
   * Facts with which the actor may cease or begin to be there for some. Those who watch it are asked again before they
   * hear of it, and what went before is not replayed to anybody.
   */
  changesAudience?: readonly (keyof C['events'] & string)[]
  /** Which actors a principal may know of; any one scope that matches is enough. For all others it does not exist. */
  scopes: (principal: Principal) => readonly Scope<NoInfer<ColumnName>>[]
  /** Who may send each command to an actor in scope. Total on purpose: a new command without a rule does not compile. */
  allow: {
    [Name in keyof C['commands'] & string]: (principal: Principal, snapshot: SnapshotFrom<Machine>) => boolean
  }
  /** Which commands there is anything to do for, where the state alone does not say: all others are not in `allowed`. */
  offers?: { [Name in keyof C['commands'] & string]?: (snapshot: SnapshotFrom<Machine>) => boolean }
  /** What must be true outside the actor before a command reaches it, and what the machine needs beside its input. */
  prepare?: {
    [Name in keyof C['commands'] & string]?: (
      request: CreationRequest<Payload<C, Name>>,
    ) => Promise<Preparation<Payload<C, Name>>>
  }
  /** How a creating command becomes the new machine's input. */
  create: {
    [Name in Creating<C>]: (
      request: CreationRequest<Payload<C, Name>>,
    ) => Promise<Creation<InputFrom<Machine>>>
  }
  /** Who answers each query. Total, as `allow` is. */
  queries: { [Name in keyof C['queries'] & string]: QueryHandler<z.output<C['queries'][Name]['input']>> }
  /** Why the machine did not take a command that this state knows; without an answer it is `not_allowed_in_state`. */
  explain?: {
    [Name in keyof C['commands'] & string]?: (
      snapshot: SnapshotFrom<Machine>,
      command: Payload<C, Name> & { at: string; by?: string },
    ) => Refusal | undefined
  }
  /** What clients are told who want a second one of what there may be once: by the name of the unique index. */
  unique?: Readonly<Record<string, Refusal>>
  /** What clients see. The snapshot itself never leaves the server. */
  view: (snapshot: SnapshotFrom<Machine>, id: string) => ViewOf<C>
  /** The state as one word; by default the machine's state value, joined by dots. */
  state?: (snapshot: SnapshotFrom<Machine>) => string
}

/** Joins a contract and a machine; nothing happens at run time. */
export const defineActor = <
  const C extends ActorContract,
  Machine extends AnyStateMachine,
  const ColumnName extends string,
>(
  definition: ActorDefinition<C, Machine, ColumnName>,
): ActorDefinition<C, Machine, ColumnName> => definition

/** Any actor, as the engine sees it: it knows no domain word, so it knows no domain type either. */
// oxlint-disable-next-line typescript/no-explicit-any -- functions are contravariant; only `any` accepts every definition
export type AnyActorDefinition = ActorDefinition<any, any, any>
