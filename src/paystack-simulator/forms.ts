import type { FastifyInstance } from 'fastify'

/** Forms are taken as JSON is; every value is text, and the first of a name counts. */
export const parseForms = (app: FastifyInstance): void => {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      const fields = [...new URLSearchParams(String(body))].toReversed()
      done(null, Object.fromEntries(fields))
    },
  )
}
