import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../../actors/actor.ts'
import { CARD_REFUSED, isFreeOfCards } from '../../contracts/card-numbers.ts'
import { LEAST_MINOR } from '../../contracts/least-minor.ts'
import { Money } from '../../contracts/money.ts'
import { Id } from '../../contracts/scalars.ts'
import type { Prices } from '../../persistence/prices.ts'
import type { Caller } from '../auth/authenticate.ts'
import { HttpRefusal, parsed, success } from './http-envelope.ts'
import { refusePayload } from './guard.ts'
import { forSignedIn, type Admission } from './rest.ts'
import { refuseQuery } from './rest-payload.ts'

type Dependencies = Admission & { prices: Prices; now: () => number }

export const PriceParams = z.strictObject({ offeringId: Id })

export const PriceBody = z.strictObject({
  title: z.string().trim().min(1).max(100).refine(isFreeOfCards, CARD_REFUSED),
  price: Money.describe('Nothing, or what the provider takes at least'),
  active: z.boolean().default(true).describe('Whether it is for sale'),
})

/** What an offering costs, as clients see it. */
export const PriceData = PriceBody.extend({ offeringId: Id, active: z.boolean() })

/** Prices of the organisation, until a catalogue has them. */
export const priceRoutes =
  ({ prices, now, ...admission }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    forSignedIn(app, admission)

    app.get('/api/v1/prices', async (request) => {
      refuseQuery(request)
      const { principal } = request.getDecorator<Caller>('caller')
      const all = await prices.list(principal.orgId)
      const items = isAdmin(principal) ? all : all.filter(({ active }) => active)
      return success({ items: items.map(dataOf) }, now())
    })

    app.put('/api/v1/prices/:offeringId', async (request) => {
      const { orgId, userId } = adminOf(request)
      const { offeringId } = parsed(PriceParams, request.params)
      const { title, price: amount, active } = bodyOf(request)
      const price = { offeringId, orgId, title, amount, active }
      if (!(await prices.set({ ...price, by: userId, updatedAt: new Date(now()) })))
        throw new HttpRefusal({ code: 'not_found', message: 'Offering not found' })
      request.log.info({ offeringId, amount, active, by: userId, correlationId: request.id }, 'price set')
      return success(dataOf(price), now())
    })
  }

/** Refuses here what the provider would refuse when somebody pays. */
const bodyOf = (request: FastifyRequest) => {
  refuseQuery(request)
  const fault = refusePayload(request.body)
  if (fault) throw new HttpRefusal(fault.error, { httpStatus: 400 })
  const body = parsed(PriceBody, request.body)
  const { minor, currency } = body.price
  const leastMinor = LEAST_MINOR[currency]
  if (minor > 0 && minor < leastMinor)
    throw new HttpRefusal(
      {
        code: 'price_below_minimum',
        message: `A price in ${currency} is nothing, or at least ${leastMinor} minor units`,
        details: { leastMinor, currency },
      },
      { httpStatus: 400 },
    )
  return body
}

const dataOf = ({ offeringId, title, amount, active }: Awaited<ReturnType<Prices['list']>>[number]) => ({
  offeringId,
  title,
  price: amount,
  active,
})

const adminOf = (request: FastifyRequest): Principal => {
  const { principal } = request.getDecorator<Caller>('caller')
  if (isAdmin(principal)) return principal
  throw new HttpRefusal({ code: 'forbidden', message: 'Only administrators may do this' })
}

const isAdmin = ({ roles }: Principal) => roles.includes('admin')
