import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { createPrices } from '../../../persistence/prices.ts'
import {
  aDeadLetter,
  aDispute,
  aFailedPayment,
  aLostRefund,
  anOpenPayment,
  aPurchase,
  aRequestedRefund,
  aSettledPayment,
  aStuckPayment,
  aStuckRefund,
  PRICE,
} from '../by-system.ts'
import {
  WHO_MAY_SEE,
  OPERATORS,
  ADMIN_OF_OPERATORS,
  OPERATORS_AND_SELF,
  ADMIN_AND_SELF,
  ADMIN_NOT_SELF,
  EVERYBODY,
  INSIDERS,
} from './verdicts.ts'
import type { Target, Rule, World } from './world.ts'

/** Something that can be bought. */
const anOffering = async ({ orgId }: Target, { server }: World) => {
  const offeringId = randomUUID()
  const price = { offeringId, orgId, title: 'A course', amount: PRICE }
  const updatedAt = new Date(server.now())
  expect(
    await createPrices(server.database).set({ ...price, active: true, by: randomUUID(), updatedAt }),
  ).toBe(true)
  return { offeringId }
}

export const aLetter = async ({ orgId }: Target, { server }: World) => ({
  id: (await aDeadLetter(server, orgId)).id,
})

const EVIDENCE = {
  customerEmail: 'customer@example.test',
  customerName: 'A customer',
  customerPhone: '+2348012345678',
  serviceDetails: 'A course that was taken',
}

export const PAYMENT_RULES: Record<string, Rule> = {
  'payments.initiate': {
    verdicts: INSIDERS,
    payload: async (target, world) => ({ ...(await anOffering(target, world)), method: 'paystack' }),
    names: 'offeringId',
  },
  'payments.verify': {
    verdicts: ADMIN_AND_SELF,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.cancel': {
    verdicts: ADMIN_AND_SELF,
    payload: (target, { server }) => anOpenPayment(server, target),
  },
  'payments.requestRefund': {
    verdicts: ADMIN_AND_SELF,
    payload: async (target, { server }) => ({
      ...(await aSettledPayment(server, target)),
      full: true,
      reason: 'I changed my mind',
    }),
  },
  'payments.retryRefund': {
    verdicts: ADMIN_NOT_SELF,
    payload: (target, { server }) => aStuckPayment(server, target),
  },
  'payments.resolveRefund': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({
      ...(await aStuckPayment(server, target)),
      note: 'given back by hand',
    }),
  },
  'payments.get': {
    verdicts: WHO_MAY_SEE,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aFailedPayment(server, target),
  },
  'payments.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'purchases.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aPurchase(server, target),
  },
  'purchases.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aPurchase(server, target),
  },
  'purchases.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'refunds.approve': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.reject': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({
      ...(await aRequestedRefund(server, target)),
      reason: 'too late',
    }),
  },
  'refunds.resubmit': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({ ...(await aLostRefund(server, target)), reason: 'lost' }),
  },
  'refunds.resolve': {
    verdicts: { ...ADMIN_AND_SELF, self: 'forbidden' },
    payload: async (target, { server }) => ({
      ...(await aLostRefund(server, target)),
      as: 'processed',
      reason: 'given back by hand',
    }),
  },
  'refunds.submitBankDetails': {
    verdicts: ADMIN_AND_SELF,
    payload: async (target, { server }) => ({
      ...(await aStuckRefund(server, target)),
      accountNumber: '0123456789',
      bankId: '9',
    }),
  },
  'refunds.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aRequestedRefund(server, target),
  },
  'refunds.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'disputes.submitEvidence': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, { server }) => ({ ...(await aDispute(server, target)), ...EVIDENCE }),
  },
  'disputes.accept': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: (target, { server }) => aDispute(server, target),
  },
  'disputes.get': { verdicts: OPERATORS, payload: (target, { server }) => aDispute(server, target) },
  'disputes.journal': { verdicts: OPERATORS, payload: (target, { server }) => aDispute(server, target) },
  'disputes.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'dead-letters.retry': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, world) => ({ ...(await aLetter(target, world)), reason: 'once more' }),
  },
  'dead-letters.discard': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async (target, world) => ({ ...(await aLetter(target, world)), reason: 'done by hand' }),
  },
  'dead-letters.get': { verdicts: OPERATORS, payload: aLetter },
  'dead-letters.journal': { verdicts: OPERATORS, payload: aLetter },
  'dead-letters.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
}
