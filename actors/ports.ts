import type { AnyStateMachine, SnapshotFrom } from 'xstate'
import type { ActorContract, ViewOf } from '../contracts/contract.ts'
import type { RefusedRow } from '../contracts/import.ts'
import type { Currency, Money } from '../contracts/money.ts'
import type { Card } from '../contracts/payment.ts'

/** What the actors need from the outside, as types; `persistence/` and `src/` supply them. */

/** The settings of an organisation that life cycles depend on. */
export type Organisation = {
  id: string
  settings: {
    /** Days before expiry from which a certification is "expiring soon". */
    expiringWindowDays: number
    /** Days before expiry at which a reminder is due, descending. */
    reminderDays: readonly number[]
    /** Certification types without which a mentor is held. */
    requiredCertTypes: readonly string[]
    /** What prices are in that do not say so; naira by default. */
    currency?: Currency
    /** A full refund on request within so many days; by default after the first lesson only (S2.67). */
    refundWithinDays?: number
    /** Whether who has got everything back stays enrolled; no by default. */
    keepsAccessAfterRefund?: boolean
    /** Days without progress after which a learner is reminded, once; 7 by default, 0 for never. */
    remindAfterDays?: number
  }
}

export type Person = { name: string; email: string; orgId: string }

/** A file that waits to be imported. */
export type Upload = { orgId: string; userId: string; rows: number }

/** What an offering costs. */
export type Price = { offeringId: string; orgId: string; title: string; amount: Money }

/** A card that may be charged again, without what charges it. */
export type SavedAuthorization = { id: string; userId: string; card: Card }

/**
 * Which actors are asked for, and what is known of each that is found. A definition is one; where two definitions ask for
 * each other's, or one for its own, its contract and its machine will do.
 */
export type ActorType = { contract: ActorContract; machine: AnyStateMachine }

/** An actor as queries find it. */
export type Found<Type extends ActorType = ActorType> = {
  id: string
  version: number
  state: string
  view: ViewOf<Type['contract']>
  snapshot: SnapshotFrom<Type['machine']>
}

export type Condition = {
  column: string
  is: '=' | '<=' | '>=' | 'in'
  value: string | number | boolean | readonly string[]
}

export type Search = {
  /** Rows that match any of these; none means no row. */
  scopes: readonly { readonly [column: string]: string | undefined }[]
  where?: readonly Condition[]
  /** Ascending by this column, then by id; by id alone without it. */
  order?: string
  /** Descending instead. */
  newestFirst?: boolean
  /** The `next` of the page before. */
  after?: string | undefined
  limit: number
}

/** What matches a text, best first. */
export type TextSearch = Omit<Search, 'order' | 'newestFirst'> & { text: string }

/** One turn of an actor's history. */
export type HistoryEntry = {
  position: number
  version: number
  type: string
  cause: 'command' | 'timer' | 'signal'
  at: string
  by: string | null
  from: string | null
  to: string
  events: readonly { type: string; data: object }[]
}

export type FoundPage<Type extends ActorType = ActorType> = { found: Found<Type>[]; next?: string }

/**
 * What queries may ask the database. Every search carries the scopes of the principal; of actor types that this server
 * does not have there is nothing.
 */
export type Read = {
  organisation: (id: string) => Promise<Organisation | undefined>
  search: <Type extends ActorType>(type: Type, search: Search) => Promise<FoundPage<Type>>
  /** Of the types that are searched by text. */
  searchText: <Type extends ActorType>(type: Type, search: TextSearch) => Promise<FoundPage<Type>>
  count: (type: Pick<ActorType, 'contract'>, search: Pick<Search, 'scopes' | 'where'>) => Promise<number>
  /** How many have these values, and the position of the journal as of which that is so. */
  countAt: (
    type: Pick<ActorType, 'contract'>,
    where: Readonly<Record<string, string | boolean>>,
  ) => Promise<{ count: number; position: number }>
  /** With which browsers subscribe to pushes; null where none are sent. */
  pushKey: () => string | null
  history: (
    actor: { type: string; id: string },
    afterVersion: number,
    limit: number,
  ) => Promise<HistoryEntry[]>
  /** By line. */
  importRefusals: (importId: string, afterLine: number, limit: number) => Promise<RefusedRow[]>
}
