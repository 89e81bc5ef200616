import type { EventObject } from 'xstate'
import { disputeMachine } from '../machines/dispute.ts'
import { paymentMachine } from '../machines/payment.ts'
import { purchaseMachine } from '../machines/purchase.ts'
import { refundMachine } from '../machines/refund.ts'
import { createActors, type Name, type Promised } from './actor-model.ts'
import { input, at as startsAt } from './payment-messages.ts'
import { createProvider, type Mood, type Received } from './provider-model.ts'

/** One thing that happens; what is not possible just then does not happen. `pick` chooses among what there is. */
export type Happening =
  | { do: 'carryOut'; pick: number; mood: Mood; again: boolean }
  | { do: 'deliver'; pick: number; again: boolean }
  | { do: 'advance'; ms: number }
  | { do: 'pay' | 'decline' | 'arrive' | 'webhook' | 'verify' | 'cancel' }
  | { do: 'requestRefund'; minor: number; by: string }
  | { do: 'decide'; pick: number; approve: boolean }
  | { do: 'moveRefund'; pick: number; to: 'processing' | 'processed' | 'failed' | 'needs-attention' }
  | { do: 'dispute'; minor: number }
  | { do: 'endDispute'; pick: number; lost: boolean }
  | { do: 'rival'; says: 'claimed' | 'settled' | 'released' }

export const PAYMENT = `payment:${input.id}`
export const PURCHASE = `purchase:${input.purchaseId}`

/**
 * The engine takes each message once; these mean something else when they come again later, so it has to. The answer
 * to the submission of a refund is another one.
 */
const ONCE = ['payment.claimed', 'purchase.granted', 'purchase.refused']

/** One payment with its purchase, refunds and disputes, another payment for the same purchase, and the provider. */
export const createWorld = (received: Received, authorizationId: string | null) => {
  const machines = {
    payment: paymentMachine,
    purchase: purchaseMachine,
    refund: refundMachine,
    dispute: disputeMachine,
  }
  const actors = createActors(machines, startsAt)
  const provider = createProvider(input.id, received, () => actors.now())
  /** Answers and webhooks that are under way. */
  const letters: { to: Name; message: EventObject; asked?: Promised; at: string }[] = []
  const rival = { version: 0, holds: false, paid: false }
  let claimsRefused = 0

  const carryOut = (effect: Promised, mood: Mood) => {
    const { name, owner, params } = effect
    if (name === 'create') return actors.make(effect)
    // Nobody in this world is an administrator.
    if (name === 'alert') return
    if (name !== 'tell') {
      const answer = provider.carryOut({ name, params: params as never }, mood)
      letters.push({ to: owner, message: answer, asked: effect, at: actors.now() })
      return
    }
    const { actor, id, message } = params as { actor: string; id: string; message: EventObject }
    if (actor === 'payment' && id !== input.id) rival.holds = message.type === 'purchase.granted'
    else {
      if (message.type === 'purchase.refused') claimsRefused += 1
      actors.tell(effect)
    }
  }

  const rivalSays = (says: 'claimed' | 'settled' | 'released') => {
    if (says === 'settled' ? !rival.holds : says === 'released' ? rival.version === 0 : rival.holds) return
    rival.version += 1
    if (says === 'released') rival.holds = false
    const { orgId, payerId, offeringId } = input
    const message = { type: `payment.${says}` }
    const orCreate = { orgId, payerId, offeringId }
    actors.tell({
      name: 'tell',
      owner: 'payment:payment-2',
      version: rival.version,
      params: { actor: 'purchase', id: input.purchaseId, message, orCreate },
    })
    // A claim is answered before anything else is said.
    for (const answer of actors.promised.filter(
      ({ params }) => (params as { id?: string }).id === 'payment-2',
    ))
      carryOut(take(actors.promised, actors.promised.indexOf(answer))!, 'answered')
  }

  const webhook = (type: string, fields: object = {}) =>
    letters.push({ to: PAYMENT, message: { type: `webhook.${type}`, ...fields }, at: actors.now() })

  const disputeWebhook = (providerDisputeId: string) =>
    webhook('disputeChanged', { disputeId: `dispute-${providerDisputeId}`, providerDisputeId })

  const command = (to: Name, type: string, by: string, fields: object = {}) =>
    actors.send(to, { type, by, ...fields } as EventObject)

  let refundsRequested = 0

  const happen = (happening: Happening) => {
    switch (happening.do) {
      case 'carryOut': {
        const effect = chosen(actors.promised, happening.pick)
        if (!effect) return
        carryOut(effect, happening.mood)
        const { message } = effect.params as { message?: EventObject }
        const isTwice = happening.again && effect.name === 'tell' && !ONCE.includes(message?.type ?? '')
        if (!isTwice) take(actors.promised, actors.promised.indexOf(effect))
        return
      }
      case 'deliver': {
        const letter = chosen(letters, happening.pick)
        if (!letter) return
        if (!happening.again || letter.asked?.name === 'submitRefund') take(letters, letters.indexOf(letter))
        return actors.send(letter.to, letter.message)
      }
      case 'advance':
        return actors.until(new Date(Date.parse(actors.now()) + happening.ms).toISOString())
      case 'pay':
        return provider.pay()
      case 'decline':
        return provider.decline()
      case 'arrive':
        return provider.arrive()
      case 'webhook':
        webhook('charged')
        return
      case 'verify':
      case 'cancel':
        return command(PAYMENT, happening.do, input.payerId)
      case 'requestRefund': {
        const { minor, by } = happening
        const amount = minor > 0 ? { amount: { minor, currency: 'NGN' } } : { full: true }
        const refundId = `refund-${(refundsRequested += 1)}`
        const fields = { refundId, approved: by !== input.payerId, reason: 'changed my mind', ...amount }
        return command(PAYMENT, 'requestRefund', by, fields)
      }
      case 'decide': {
        const to = chosen(actors.names('refund'), happening.pick)
        if (to) command(to, happening.approve ? 'approve' : 'reject', 'admin-1', { reason: 'too late' })
        return
      }
      case 'moveRefund':
        if (provider.moveRefund(happening.pick, happening.to)) webhook('refundChanged')
        return
      case 'dispute': {
        const opened = provider.dispute(happening.minor)
        if (opened) disputeWebhook(opened)
        return
      }
      case 'endDispute': {
        const ended = provider.endDispute(happening.pick, happening.lost)
        if (ended) disputeWebhook(ended)
        return
      }
      case 'rival':
        return rivalSays(happening.says)
    }
  }

  /** Everything that has begun comes to its end, and the provider says so by webhook at least once. */
  const end = (lateSpeech: boolean) => {
    provider.arrive()
    if (provider.transaction()?.status === 'success') webhook('charged')
    if (lateSpeech) letters.reverse()
    const bankDetails = { accountNumber: 'sealed', bankId: '9', currency: 'NGN' }
    for (let turns = 0; turns < 2_000; turns += 1) {
      if (actors.promised.length > 0) carryOut(take(actors.promised, 0)!, 'answered')
      else if (letters.length > 0) happen({ do: 'deliver', pick: 0, again: false })
      else {
        for (const name of actors.names('refund')) {
          command(name, 'approve', 'admin-1')
          command(name, 'submitBankDetails', 'admin-1', bankDetails)
        }
        for (const id of provider.endAll()) disputeWebhook(id)
        const hasNews = actors.promised.length + letters.length > 0
        const dueAt = actors.nextDueAt()
        if (!hasNews && !dueAt) return
        if (!hasNews && dueAt) actors.until(dueAt)
      }
    }
    throw new Error('it never comes to an end')
  }

  actors.create('payment', input.id, { ...input, authorizationId })
  return { actors, provider, happen, end, rival, claimsRefused: () => claimsRefused }
}

export type World = ReturnType<typeof createWorld>

const chosen = <Item>(items: readonly Item[], pick: number): Item | undefined =>
  items.length > 0 ? items[pick % items.length] : undefined

const take = <Item>(items: Item[], index: number): Item | undefined => items.splice(index, 1)[0]
