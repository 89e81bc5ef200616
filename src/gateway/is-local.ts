import type { FastifyRequest } from 'fastify'

/** On this machine, and not a proxy on it that speaks for somebody else. */
export const isLocal = ({ ip, headers }: Pick<FastifyRequest, 'ip' | 'headers'>): boolean =>
  ['127.0.0.1', '::1', '::ffff:127.0.0.1'].includes(ip) &&
  PROXIES.every((name) => headers[name] === undefined)

/** What proxies say of those for whom they ask. */
const PROXIES = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via']

/** Asked for by a name of this machine: a page from elsewhere can have a name of its own lead here, and read the answer. */
export const isNamedLocal = ({ host = '' }: FastifyRequest['headers']): boolean =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host)
