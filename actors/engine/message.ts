import type { Principal } from '../actor.ts'
import type { Cause } from './store.ts'

/** What a mailbox holds. */
export type Message = {
  /** Unique for its actor; a repetition gets the stored answer. */
  id: string
  actor: { type: string; id: string }
  cause: Cause
  type: string
  /** Parsed, with no key but the contract's. */
  payload: object
  /** When it happened: now for a command, the due instant for a timer. */
  at: string
  correlationId?: string
  /** Commands only. */
  principal?: Principal
  /** Hash of the payload, when the sender chose the id and may send it again. */
  hash?: string
  expectedVersion?: number
  /** The new machine's input; the message makes the actor. */
  creation?: { input: object }
  /** The command was to make an actor, and this one is what it asked for: its turn changes nothing. */
  found?: true
  /** Timers only: the generation that fired. */
  generation?: number
  /** The effect whose result this is; it is settled in the commit of the turn. */
  settles?: string
}
