import { refused, type Refused, type Reply } from '../../contracts/protocol.ts'
import { refusePayload } from './guard.ts'
import { TOO_LARGE } from './parser.ts'

/** One event of a client: a call, or what is wrong with it as a message of the protocol. */
export type Packet = {
  /** Does nothing when the client asked for no answer. */
  ack: (reply: Reply) => void
} & ({ ok: true; name: string; payload: object } | { ok: false; fault: Refused })

/** Reads what Socket.IO hands to a listener: the name, the payload and the acknowledgement, each of which may be missing. */
export const readPacket = (parts: readonly unknown[]): Packet => {
  const last = parts.at(-1)
  const wantsAnswer = typeof last === 'function'
  const ack = wantsAnswer ? (last as Packet['ack']) : () => {}
  const [name, payload = {}, ...more] = wantsAnswer ? parts.slice(0, -1) : parts
  const fault = faultOf(name, payload, more.length)
  return fault
    ? { ok: false, ack, fault }
    : { ok: true, ack, name: name as string, payload: payload as object }
}

const faultOf = (name: unknown, payload: unknown, more: number): Refused | undefined => {
  if (typeof name !== 'string') return refused('unknown_command', 'an event needs a name')
  if (payload === TOO_LARGE) return refused('payload_too_large', 'a frame may have 64 KiB')
  if (more > 0)
    return refused('invalid_input', 'a call has one payload', [{ path: [], reason: 'is not one object' }])
  return refusePayload(payload)
}

/** Protocol errors within a minute that end a connection. */
const MOST_FAULTS = 20

/** Counts protocol errors of one socket. @returns a function that takes one down and says whether it was one too many. */
export const aFaultCount = (): (() => boolean) => {
  let count = 0
  let since = performance.now()
  return () => {
    if (performance.now() - since > 60_000) {
      count = 0
      since = performance.now()
    }
    return ++count > MOST_FAULTS
  }
}
