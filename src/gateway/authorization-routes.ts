import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { Id } from '../../contracts/scalars.ts'
import type { Authorizations } from '../../persistence/authorizations.ts'
import type { Caller } from '../auth/authenticate.ts'
import { HttpRefusal, success } from './http-envelope.ts'
import { forSignedIn, type Admission } from './rest.ts'
import { refuseQuery } from './rest-payload.ts'

type Dependencies = Admission & {
  authorizations: Pick<Authorizations, 'list' | 'remove'>
  now: () => number
}

/** The caller's own saved cards; nobody sees those of others, administrators neither. */
export const authorizationRoutes =
  ({ authorizations, now, ...admission }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    forSignedIn(app, admission)

    app.get('/api/v1/payments/authorizations', async (request) => {
      refuseQuery(request)
      const cards = await authorizations.list(userOf(request))
      return success({ items: cards.map(({ id, card }) => ({ id, card })) }, now())
    })

    app.delete('/api/v1/payments/authorizations/:id', async (request) => {
      refuseQuery(request)
      const id = Id.safeParse((request.params as { id: string }).id).data
      if (!id || !(await authorizations.remove(id, userOf(request), new Date(now()))))
        throw new HttpRefusal({ code: 'not_found', message: 'Card not found' })
      return success({ id, removed: true }, now())
    })
  }

const userOf = (request: FastifyRequest) => request.getDecorator<Caller>('caller').principal.userId
