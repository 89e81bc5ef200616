import type { AnyMachineSnapshot } from 'xstate'
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
  }
}

export type Person = { name: string; email: string; orgId: string }

/** A file that waits to be imported. */
export type Upload = { orgId: string; userId: string; rows: number }

/** What an offering costs. */
export type Price = { offeringId: string; orgId: string; title: string; amount: Money }

/** A card that may be charged again, without what charges it. */
export type SavedAuthorization = { id: string; userId: string; card: Card }

/** An actor as queries find it. */
export type Found = {
  id: string
  version: number
  state: string
  view: unknown
  snapshot: AnyMachineSnapshot
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
  /** The `next` of the page before. */
  after?: string | undefined
  limit: number
}

/** What matches a text, best first. */
export type TextSearch = Omit<Search, 'order'> & { text: string }

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

export type FoundPage = { found: Found[]; next?: string }

/**
 * What queries may ask the database. Every search carries the scopes of the principal; of actor types that this server
 * does not have there is nothing.
 */
export type Read = {
  organisation: (id: string) => Promise<Organisation | undefined>
  search: (actorType: string, search: Search) => Promise<FoundPage>
  /** Of the types that are searched by text. */
  searchText: (actorType: string, search: TextSearch) => Promise<FoundPage>
  count: (actorType: string, search: Pick<Search, 'scopes' | 'where'>) => Promise<number>
  history: (actorId: string, afterVersion: number, limit: number) => Promise<HistoryEntry[]>
  /** By line. */
  importRefusals: (importId: string, afterLine: number, limit: number) => Promise<RefusedRow[]>
}
