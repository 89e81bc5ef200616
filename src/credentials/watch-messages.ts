import { z } from 'zod'
import { CLOSING_CODES } from '../../contracts/protocol.ts'
import { CredentialStanding, StandingChanged, WatchInput } from '../../contracts/verification.ts'

/** What travels in `/verify`, for the documents. */
export const watchMessages = [
  {
    name: 'watch',
    summary: 'How a credential stands, and `credential.status` whenever that changes; without a sign-in',
    sentBy: 'client',
    payload: WatchInput,
    ack: CredentialStanding,
  },
  {
    name: 'unwatch',
    summary: 'Hear no more of it',
    sentBy: 'client',
    payload: WatchInput,
    ack: z.object({}),
  },
  {
    name: 'credential.status',
    summary: 'It stands otherwise now',
    sentBy: 'server',
    payload: StandingChanged,
  },
  {
    name: 'credential.gone',
    summary: 'Its holder wants nobody to see it any more',
    sentBy: 'server',
    payload: StandingChanged.pick({ of: true }),
  },
  {
    name: 'closing',
    summary: 'The server ends the connection, and says why',
    sentBy: 'server',
    payload: z.object({ code: z.enum(CLOSING_CODES), reconnectInMs: z.int().optional() }),
  },
] as const
