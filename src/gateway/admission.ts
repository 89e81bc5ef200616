import type { Socket } from 'socket.io'
import type { Principal } from '../../actors/actor.ts'
import type { Caller } from '../auth/authenticate.ts'

type Dependencies = {
  callerOf: (token: unknown) => Promise<Caller | undefined>
  failed: (error: unknown) => void
}

/** What Socket.IO says of a namespace that does not exist. */
export const noSuchNamespace = () => new Error('Invalid namespace')

/** Lets a socket into a namespace, as `socket.data.caller`; for those whom it does not admit it does not exist. */
export const admitTo =
  ({ callerOf, failed }: Dependencies, admits: (principal: Principal | undefined) => boolean) =>
  (socket: Socket, next: (error?: Error) => void): void => {
    const { token } = socket.handshake.auth as { token?: unknown }
    callerOf(token).then(
      (caller) => {
        if (!admits(caller?.principal)) return next(noSuchNamespace())
        if (!caller)
          return next(Object.assign(new Error('Sign in first'), { data: { code: 'unauthenticated' } }))
        socket.data.caller = caller
        next()
      },
      (error: unknown) => {
        failed(error)
        next(Object.assign(new Error('Try again'), { data: { code: 'overloaded', retryAfterMs: 1_000 } }))
      },
    )
  }
