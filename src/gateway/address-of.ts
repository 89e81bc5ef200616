import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'
import type { Server, Socket } from 'socket.io'

/** Which address a socket comes from. */
export type AddressOf = (socket: Socket) => string

type Asking = { headers: IncomingHttpHeaders; socket: { remoteAddress?: string | undefined } }

/**
 * What of a connection is known while its request still is. Whose X-Forwarded-For is believed is decided by what decides it
 * for fastify. To be called before `forgetRequests`.
 * @throws when one of the proxies is neither an address, a network nor a name that stands for some
 */
export const rememberAddresses = ({ engine }: Server, trustedProxies: readonly string[]): AddressOf => {
  if (trustedProxies.length === 0) return ({ conn }) => conn.remoteAddress
  const trust = proxyAddr.compile([...trustedProxies])
  const addresses = new WeakMap<object, string>()
  engine.on('connection', (transport: { request: Asking }) => {
    addresses.set(transport, clientAddress(transport.request, trust))
  })
  return ({ conn }) => addresses.get(conn) ?? conn.remoteAddress
}

/**
 * Trusted proxies say in X-Forwarded-For for whom they ask, each adding one to the right; whatever stands to the left of
 * the first one that is not trusted may be anybody's invention.
 */
export const clientAddress = (request: Asking, trust: ReturnType<typeof proxyAddr.compile>): string =>
  // It reads nothing else of a request.
  proxyAddr(request as IncomingMessage, trust)
