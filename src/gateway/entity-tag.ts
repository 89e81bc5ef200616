import type { FastifyRequest } from 'fastify'

/** Whether whoever asks has this already (RFC 9110, 13.1.2); tags are compared weakly, as `If-None-Match` wants it. */
export const isKnown = ({ headers }: Pick<FastifyRequest, 'headers'>, etag: string): boolean => {
  const known = headers['if-none-match']?.split(',').map((tag) => opaque(tag.trim())) ?? []
  return known.includes('*') || known.includes(opaque(etag))
}

const opaque = (tag: string): string => tag.replace(/^W\//, '')
