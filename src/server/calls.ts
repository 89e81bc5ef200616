import type { Lookup } from '../../actors/actor.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import { offering } from '../../actors/offering.ts'
import { payment } from '../../actors/payment.ts'
import type { Price } from '../../actors/ports.ts'
import { isOnSale } from '../../machines/offering.ts'
import type { Prices } from '../../persistence/prices.ts'
import { isUnavailable } from '../../persistence/sql.ts'
import { createDispatcher, type Dispatcher } from '../gateway/dispatcher.ts'
import { createPushMark } from '../notifications/notifications.ts'
import type { Payments } from '../payments/payments.ts'
import { createSharedReads } from '../shared-reads.ts'
import type { Ground } from './ground.ts'
import type { Storage } from './storage.ts'

type LookupParts = { storage: Storage; engine: Pick<Engine, 'peek'>; payments: Payments | undefined }

/** What commands may ask for before they reach an actor. Those who ask the same at the same moment are answered once. */
export const createLookup = ({ options, definitions }: Ground, parts: LookupParts): Lookup => {
  const { storage, engine, payments } = parts
  const { directory, read, prices, imports, vault } = storage
  const shared = createSharedReads()
  const lookup: Lookup = {
    ...directory,
    userOrganisation: (userId) =>
      shared(`organisation of ${userId}`, () => directory.userOrganisation(userId)),
    actor: async ({ contract }, id) =>
      (await shared(`${contract.actor} ${id}`, () => engine.peek(contract.actor, id)))?.snapshot as never,
    search: (type, search) =>
      shared(JSON.stringify(['search', type.contract.actor, search]), () => read.search(type, search)),
    count: (type, search) =>
      shared(JSON.stringify(['count', type.contract.actor, search]), () => read.count(type, search)),
    knows: (type) => definitions.some(({ contract }) => contract.actor === type.contract.actor),
    upload: (importId) => imports.upload(importId),
    price: (offeringId) => priceOf(lookup, prices, offeringId),
    takesPayments: () => payments !== undefined,
    authorization: async (id, userId) => payments?.authorization(id, userId),
    failedPayments: (payerId, since) =>
      read.count(payment, {
        scopes: [{ payerId }],
        where: [
          { column: 'status', is: '=', value: 'failed' },
          { column: 'initiatedAt', is: '>=', value: since },
        ],
      }),
    failedPaymentsPerHour: options.failedPaymentsPerHour ?? 10,
    takesPushes: () => options.push !== undefined,
    pushMark: createPushMark(vault, options.push),
  }
  return lookup
}

/** An offering of the catalogue has its own price while it is on sale; all others are in the list of prices. */
const priceOf = async (
  { knows, actor }: Lookup,
  prices: Prices,
  offeringId: string,
): Promise<Price | undefined> => {
  const known = knows(offering) ? await actor(offering, offeringId) : undefined
  if (!known) return prices.price(offeringId)
  const { orgId, title, price: amount } = known.context
  return isOnSale(known) ? { offeringId, orgId, title, amount } : undefined
}

/** Makes what answers calls: with what the commands of clients may ask for, or with what an import asks instead. */
export const dispatcherFrom =
  (
    { now, newId, failed }: Ground,
    { engine, storage: { read, isTaken, vault } }: { engine: Engine; storage: Storage },
  ) =>
  (lookup: Lookup): Dispatcher =>
    createDispatcher({
      engine,
      read,
      isTaken,
      lookup,
      vault,
      now,
      newId,
      unavailable: isUnavailable,
      failed: (error, { definition, name, correlationId }) =>
        failed(error, { call: `${definition.contract.namespace}.${name}`, correlationId }),
    })
