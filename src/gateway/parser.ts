import * as standard from 'socket.io-parser'
import { MAX_FRAME_BYTES } from './guard.ts'

/** Stands where the payload of a frame stood that was too large to look at. */
export const TOO_LARGE: unique symbol = Symbol('too large')

/**
 * Socket.IO's own parser, but for two things: binary attachments are refused, and a frame above the limit keeps its name
 * and its acknowledgement and loses its payload, so that the sender can be told.
 */
class BoundedDecoder extends standard.Decoder {
  constructor() {
    super({ maxAttachments: 0 })
  }

  override add(chunk: unknown): void {
    if (typeof chunk === 'string' && Buffer.byteLength(chunk) > MAX_FRAME_BYTES)
      return super.add(withoutPayload(chunk))
    super.add(chunk)
  }

  protected override emitReserved(event: 'decoded', packet: standard.Packet): this {
    if (Array.isArray(packet.data) && packet.data[1] === MARK) packet.data[1] = TOO_LARGE
    return super.emitReserved(event, packet)
  }
}

/** Never sent by a client: a payload is an object. */
const MARK = '\u0001too-large'

/** `2/live,17["payments.initiate",{…}]` → `2/live,17["payments.initiate","…"]` */
const withoutPayload = (chunk: string) => {
  const [, head] = /^(2(?:\/[^,]{0,200},)?\d{0,10}\["[\w.-]{1,100}")/.exec(chunk.slice(0, 400)) ?? []
  // Not an event, so it is nothing that could be answered: an invalid packet ends the connection.
  return head ? `${head},${JSON.stringify(MARK)}]` : '9'
}

export const boundedParser = { ...standard, Decoder: BoundedDecoder }
