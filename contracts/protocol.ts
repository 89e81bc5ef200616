import { z } from 'zod'
import { Id } from './scalars.ts'

/** Version 1 of the wire protocol: the envelopes that all namespaces share. */

export const SHARED_ERROR_CODES = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'not_found',
  'not_allowed_in_state',
  'version_conflict',
  'command_id_reused',
  'already_exists',
  'rate_limited',
  'overloaded',
  'payload_too_large',
  'pan_not_accepted',
  'unknown_command',
  'shutting_down',
  'resync_required',
  'internal',
] as const
export type SharedErrorCode = (typeof SHARED_ERROR_CODES)[number]

export type Refusal = {
  code: SharedErrorCode | (string & {})
  message: string
  details?: unknown
}

export type Accepted<Data = unknown> = {
  ok: true
  data: Data
  id?: string
  version?: number
  state?: string
  allowed?: readonly string[]
  position?: number
}

export type Refused = {
  ok: false
  error: Refusal
  state?: string
  version?: number
  allowed?: readonly string[]
  retryAfterMs?: number
}

/** What every call is acknowledged with. */
export type Reply<Data = unknown> = Accepted<Data> | Refused

export const refused = (code: Refusal['code'], message: string, details?: unknown): Refused => ({
  ok: false,
  error: details === undefined ? { code, message } : { code, message, details },
})

/** One event as subscribers see it, before it is put into a topic's frame. */
export type LiveEvent = {
  /** Its place in the journal: gapless, in commit order, the same on every node. */
  position: number
  /** `<actor>:<id>@<version>`; the events of one turn share it. */
  id: string
  type: string
  actor: { type: string; id: string }
  version: number
  state: string
  at: string
  data: unknown
  view: unknown
  cause: { command: string } | { timer: string } | { signal: string }
}

/** `mode: "each"`: the event, with its topic and the position that it follows there. */
export type EventFrame = LiveEvent & { topic: string; prev: number }

/** `mode: "batch"`: up to 64 events of one topic. */
export type BatchFrame = { topic: string; prev: number; events: readonly EventFrame[] }

export type TopicSnapshot = {
  topic: string
  snapshot: readonly { actor: { type: string; id: string }; version: number; state: string; view: unknown }[]
  truncated: boolean
}

export type Subscribed = { epoch: string; position: number; topics: readonly TopicSnapshot[] }

export const Topic = z
  .string()
  .max(100)
  .regex(/^[a-z][a-zA-Z]{0,40}:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be <kind>:<uuid>')

/** Most topics of one connection. */
export const MAX_TOPICS = 128

export const SubscribeInput = z.strictObject({
  topics: z.array(Topic).min(1).max(MAX_TOPICS),
  after: z.int().min(0).optional(),
  epoch: z.string().max(64).optional(),
  mode: z.enum(['each', 'batch']).default('each'),
})

export const UnsubscribeInput = z.strictObject({ topics: z.array(Topic).min(1).max(MAX_TOPICS) })

/** `session.refresh`: the socket goes on under a new token of the same user. */
export const SessionRefreshInput = z.strictObject({ token: z.string().max(4096) })

export const CLOSING_CODES = [
  'session_expired',
  'forbidden',
  'slow_client',
  'rate_limited',
  'protocol_error',
  'draining',
] as const
export type Closing = { code: (typeof CLOSING_CODES)[number]; reconnectInMs?: number }

/** The keys of a call that belong to the protocol and not to the command. */
export const ReservedKeys = {
  id: Id.optional().describe('The actor'),
  commandId: Id.optional().describe('Makes a retry safe: the same id is applied once'),
  expectedVersion: z.int().min(1).optional().describe('Refuse when the actor has moved on'),
}
