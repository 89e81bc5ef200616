import { z } from 'zod'
import type { ActorContract } from '../../contracts/contract.ts'
import {
  CLOSING_CODES,
  SHARED_ERROR_CODES,
  SubscribeInput,
  Topic,
  UnsubscribeInput,
} from '../../contracts/protocol.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'

/** The protocol's own shapes as schemas; `contracts/protocol.ts` has them as types. */

const Position = z.int().min(0).describe('In the journal')
const Version = z.int().min(1)

export const Refused = z.object({
  ok: z.literal(false),
  error: z.object({
    code: z.string().describe(`${SHARED_ERROR_CODES.join(', ')}, or a code of the command`),
    message: z.string(),
    details: z.unknown().optional(),
  }),
  state: z.string().optional(),
  version: Version.optional(),
  allowed: z.array(z.string()).optional(),
  retryAfterMs: z.int().optional(),
})

export const accepted = (data: z.ZodType) =>
  z.object({
    ok: z.literal(true),
    data,
    id: Id.optional(),
    version: Version.optional(),
    state: z.string().optional(),
    allowed: z.array(z.string()).optional().describe('The commands that the caller may send now'),
    position: Position.optional(),
  })

const Actor = z.object({ type: z.string(), id: Id })

const Cause = z.union([
  z.object({ command: z.string() }),
  z.object({ timer: z.string() }),
  z.object({ signal: z.string() }),
])

const frame = {
  topic: Topic,
  prev: Position.describe('The position of the event before it on this topic'),
  position: Position,
  id: z.string().describe('`<actor>:<id>@<version>`'),
  type: z.string(),
  actor: Actor,
  version: Version,
  state: z.string(),
  at: StoredInstant,
  data: z.unknown(),
  view: z.unknown(),
  cause: Cause,
}

/** One event of a contract, as subscribers get it. */
export const eventFrame = ({ actor, events, view }: ActorContract, name: string) =>
  z.object({
    ...frame,
    type: z.literal(name),
    actor: z.object({ type: z.literal(actor), id: Id }),
    data: events[name]!,
    view,
  })

export type FixedMessage = {
  name: string
  summary: string
  sentBy: 'client' | 'server'
  payload: z.ZodType
  /** The `data` of the acknowledgement. */
  ack?: z.ZodType
}

const TopicSnapshot = z.object({
  topic: Topic,
  snapshot: z.array(z.object({ actor: Actor, version: Version, state: z.string(), view: z.unknown() })),
  truncated: z.boolean(),
})

/** What every namespace has. */
export const fixedMessages: readonly FixedMessage[] = [
  {
    name: 'subscribe',
    summary: 'Listen to topics, from a snapshot or, with `after`, from where the client stopped',
    sentBy: 'client',
    payload: SubscribeInput,
    ack: z.object({ epoch: z.string(), position: Position, topics: z.array(TopicSnapshot) }),
  },
  {
    name: 'unsubscribe',
    summary: 'Stop listening to topics',
    sentBy: 'client',
    payload: UnsubscribeInput,
    ack: z.object({ topics: z.array(Topic).describe('Those that are left') }),
  },
  {
    name: 'session.refresh',
    summary: 'Go on under a new token',
    sentBy: 'client',
    payload: z.strictObject({ token: z.string() }),
    ack: z.object({ expiresAt: StoredInstant }),
  },
  {
    name: 'events',
    summary: 'Events of one topic, with mode `batch`: at most 64, or 20 ms apart',
    sentBy: 'server',
    payload: z.object({ topic: Topic, prev: frame.prev, events: z.array(z.object(frame)) }),
  },
  {
    name: 'position',
    summary: 'Nothing happened on this topic up to here',
    sentBy: 'server',
    payload: z.object({ topic: Topic, position: Position }),
  },
  {
    name: 'topic.closed',
    summary:
      'The topic was left: `forbidden`; or it is to be subscribed to again, without `after` for `resync_required`, later for `overloaded`',
    sentBy: 'server',
    payload: z.object({ topic: Topic, reason: z.string() }),
  },
  {
    name: 'session.expiring',
    summary: 'The token ends soon: send `session.refresh`',
    sentBy: 'server',
    payload: z.object({ expiresAt: StoredInstant }),
  },
  {
    name: 'session.expired',
    summary: 'The token has ended, and the connection with it',
    sentBy: 'server',
    payload: z.object({ expiresAt: StoredInstant }),
  },
  {
    name: 'closing',
    summary: 'The server ends the connection, and says why',
    sentBy: 'server',
    payload: z.object({ code: z.enum(CLOSING_CODES), reconnectInMs: z.int().optional() }),
  },
]
