import { purchaseContract } from '../contracts/purchase.ts'
import { purchaseMachine } from '../machines/purchase.ts'
import { defineActor, type Principal, type Scope } from './actor.ts'
import { derivedId } from './derived-id.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { rosterId } from './roster.ts'
import { isOperator } from './rules.ts'

/** The same for the same payer and offering, so that all payments for it ask the same actor. */
export const purchaseId = (payerId: string, offeringId: string): string =>
  derivedId('purchase', payerId, offeringId)

/** Operators see what belongs to their organisation, everybody else what is their own. */
export const ownOrOperated = (principal: Principal): Scope<'orgId' | 'payerId'>[] => {
  const { orgId, userId: payerId } = principal
  return isOperator(principal) ? [{ orgId }] : [{ orgId, payerId }]
}

export const purchase = defineActor({
  contract: purchaseContract,
  machine: purchaseMachine,
  // Before there were enrollments, nobody asked what was paid.
  earlier: [
    {
      id: 'purchase@1',
      lift: ({ context, ...snapshot }: Lifted) => {
        const holder = context.holder && { ...context.holder, amount: null }
        const roster = rosterId(context.offeringId)
        return {
          ...snapshot,
          context: { ...context, holder, enrollment: null, used: false, goesBack: false, rosterId: roster },
        }
      },
    },
  ],
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    payerId: { type: 'uuid', indexed: true, of: ({ context }) => context.payerId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
  },
  topics: { purchase: 'id', user: 'payerId', org: 'orgId' },
  scopes: ownOrOperated,
  allow: {},
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ context: { payerId, offeringId, holder, enrollment } }, id) => {
    const { paymentId = null, paid = false } = holder ?? {}
    return { id, payerId, offeringId, paymentId, paid, enrollmentId: enrollment?.id ?? null }
  },
})

type Lifted = { context: { offeringId: string; holder: object | null } }
