import * as standard from 'socket.io-parser'
import { MAX_FRAME_BYTES } from './guard.ts'

/**
 * Stands where the payload of a frame stood that was too large to look at. No payload is a text, so nobody needs to
 * send this one.
 */
export const TOO_LARGE = '\u0001too-large'

/** An invalid packet, which ends the connection. */
const INVALID = '9'

/**
 * Socket.IO's own parser, but for three things: binary attachments are refused, an acknowledgement id that cannot be
 * repeated exactly is invalid, and a frame above the limit keeps its name and its acknowledgement and loses its payload,
 * so that the sender can be told.
 */
class BoundedDecoder extends standard.Decoder {
  constructor() {
    super({ maxAttachments: 0 })
  }

  override add(chunk: unknown): void {
    super.add(typeof chunk === 'string' ? bounded(chunk) : chunk)
  }
}

const bounded = (chunk: string) => {
  if (LONG_ACK_ID.test(chunk)) return INVALID
  return Buffer.byteLength(chunk) > MAX_FRAME_BYTES ? withoutPayload(chunk) : chunk
}

/** More than ten digits; the standard parser takes blanks for digits too. */
const LONG_ACK_ID = /^2(?:\/[^,]{0,200},)?[\d\s]{11}/

/** `2/live,17["payments.initiate",{…}]` → `2/live,17["payments.initiate","…"]` */
const withoutPayload = (chunk: string) => {
  const start = chunk.slice(0, 400)
  const [, call] = /^(2(?:\/[^,]{0,200},)?\d{0,10}\["[\w.-]{1,100}")/.exec(start) ?? []
  if (call) return `${call},${JSON.stringify(TOO_LARGE)}]`
  // A sign-in without a token is refused as one with a bad token is.
  const [connect] = /^0(?:\/[^,]{0,200},)?/.exec(start) ?? []
  return connect ? `${connect}{}` : INVALID
}

export const boundedParser = { ...standard, Decoder: BoundedDecoder }
