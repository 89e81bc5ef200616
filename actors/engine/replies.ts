import { refused, type Refused, type Reply } from '../../contracts/protocol.ts'
import type { Message } from './message.ts'
import type { StoredAnswer } from './store.ts'
import type { Turn } from './turn.ts'

export const accepted = (id: string, { record, next }: Turn, position: number): Reply => ({
  ok: true,
  data: record.view,
  id,
  version: next.version,
  state: next.state,
  allowed: record.allowed,
  position,
})

/** The first answer once more, or a refusal when the id comes with another payload. */
export const repeat = (message: Message, stored: StoredAnswer): Reply => {
  if ((message.hash ?? null) !== stored.messageHash || message.type !== stored.type) return reused()
  const { actorId: id, view: data, version, state, allowed, position } = stored
  return { ok: true, data, id, version, state, allowed, position }
}

/** The answer of a timer that was replaced before it fired. */
export const STALE: Refused = refused('not_found', 'this timer has been replaced')

const reused = (): Refused =>
  refused('command_id_reused', 'this commandId was sent before with another payload')

export const internal = (): Refused => refused('internal', 'something went wrong on our side')

export const overloaded = (message: string): Refused => ({
  ...refused('overloaded', message),
  retryAfterMs: 1_000,
})
