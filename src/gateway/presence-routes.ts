import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import type { Caller } from '../auth/authenticate.ts'
import type { Presence } from '../presence.ts'
import { HttpRefusal, success } from './http-envelope.ts'
import { forSignedIn, type Admission } from './rest.ts'
import { refuseQuery } from './rest-payload.ts'

type Dependencies = Admission & { presence: Pick<Presence, 'counts'>; now: () => number }

export const PresenceData = z.object({
  users: z.int().describe('Each counted once, however many sockets they have'),
  sockets: z.int(),
  nodes: z.int().describe('Servers that have been counted'),
  complete: z.boolean().describe('False when only the server that answers could be counted'),
})

/** How many of an organisation are connected; who they are is not said. */
export const presenceRoutes =
  ({ presence, now, ...admission }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    forSignedIn(app, admission)

    app.get('/api/v1/presence', async (request) => {
      refuseQuery(request)
      const { orgId, roles } = request.getDecorator<Caller>('caller').principal
      if (!roles.includes('admin') && !roles.includes('coordinator'))
        throw new HttpRefusal({
          code: 'forbidden',
          message: 'Only administrators and coordinators may do this',
        })
      return success(await presence.counts(orgId), now())
    })
  }
