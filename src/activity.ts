import type { FastifyBaseLogger } from 'fastify'
import type { CommittedBatch } from '../actors/engine/flight.ts'
import type { TurnRecord, Write } from '../actors/engine/store.ts'
import type { Reply } from '../contracts/protocol.ts'
import { Id } from '../contracts/scalars.ts'
import { readableName } from '../persistence/journal.ts'
import type { Connection } from './gateway/connections.ts'
import type { Call, Dispatcher } from './gateway/dispatcher.ts'
import type { Attempt } from './queue/runner.ts'

/**
 * One line of the log for each thing that happens, from level `info` on. The correlation id leads from a command through
 * its turn to the effects of that, and through the turns that take their results to what follows. What was sent, and
 * what anybody sees, is in no line.
 */
export type Activity = {
  /** Says what became of each command. */
  heard: (dispatcher: Dispatcher) => Dispatcher
  committed: (batch: CommittedBatch) => void
  attempted: (attempt: Attempt) => void
  opened: (connection: Connection) => void
  closed: (connection: Connection, reason: string) => void
  node: (what: 'started' | 'stopping' | 'stopped', fields?: object) => void
}

/** At the levels that nobody reads it for, it costs nothing. */
export const createActivity = (logger: FastifyBaseLogger): Activity =>
  SPEAKING.has(logger.level) ? speaking(logger) : SILENT

const SPEAKING: ReadonlySet<string> = new Set(['info', 'debug', 'trace'])

const SILENT: Activity = {
  heard: (dispatcher) => dispatcher,
  committed: () => {},
  attempted: () => {},
  opened: () => {},
  closed: () => {},
  node: () => {},
}

const speaking = (logger: FastifyBaseLogger): Activity => ({
  heard: ({ call, knows }) => ({
    knows,
    call: async (request) => {
      const startedAt = performance.now()
      const reply = await call(request)
      const level = knows(request.definition, request.name) === 'command' ? 'info' : 'debug'
      const ms = rounded(performance.now() - startedAt)
      logger[level]({ ...callOf(request, reply), ms }, reply.ok ? 'acknowledged' : 'refused')
      return reply
    },
  }),
  committed: ({ writes }) => {
    for (const { write, from } of writes) {
      let position = from - 1
      for (const turn of write.turns) {
        position += Math.max(turn.events.length, 1)
        logger[turn.cause === 'timer' ? 'debug' : 'info'](turnOf(write, turn, position), 'turn')
      }
    }
  },
  attempted: ({ effect: { id, name, attempts, correlationId }, ending, tookMs, reason }) => {
    const attempt = { correlationId, effect: id, lane: name, attempts: attempts + 1, outcome: ending, reason }
    logger.info({ ...attempt, ms: rounded(tookMs) }, 'effect')
  },
  opened: (connection) => logger.info(connectionOf(connection), 'connected'),
  closed: (connection, reason) => logger.info({ ...connectionOf(connection), reason }, 'disconnected'),
  node: (what, fields = {}) => logger.info(fields, `node ${what}`),
})

const callOf = (
  { definition, name, payload, principal, correlationId, connectionId }: Call,
  reply: Reply,
) => {
  const { namespace, actor } = definition.contract
  const id = reply.ok ? reply.id : idOf(payload)
  return {
    correlationId,
    connection: connectionId,
    call: `${namespace}.${name}`,
    userId: principal.userId,
    actor: id === undefined ? undefined : `${actor}:${id}`,
    ...(reply.ok ? { version: reply.version, position: reply.position } : { code: reply.error.code }),
  }
}

/** A client may have sent anything. */
const idOf = (payload: unknown): string | undefined => {
  const { id } = Object(payload) as { id?: unknown }
  return Id.safeParse(id).data
}

const turnOf = ({ definition, id, effects }: Write, turn: TurnRecord, position: number) => ({
  correlationId: turn.correlationId,
  actor: `${definition.contract.actor}:${id}`,
  version: turn.version,
  position,
  cause: turn.cause,
  type: readableName(turn.type),
  from: turn.from,
  to: turn.to,
  events: turn.events.map(({ type }) => type),
  effects: effects.filter(({ version }) => version === turn.version).map((effect) => effect.id),
})

const connectionOf = ({ socket, caller }: Connection) => ({
  correlationId: socket.id,
  namespace: socket.nsp.name,
  userId: caller.principal.userId,
})

const rounded = (ms: number) => Math.round(ms * 10) / 10
