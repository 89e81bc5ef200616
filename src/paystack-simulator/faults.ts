import { z } from 'zod'

export const Endpoint = z.enum([
  'initialize',
  'verify',
  'chargeAuthorization',
  'charge',
  'refund.create',
  'refund.list',
  'refund.fetch',
  'refund.retry',
  'dispute.list',
  'dispute.fetch',
  'dispute.update',
  'dispute.evidence',
  'dispute.resolve',
  'dispute.uploadUrl',
])
export type Endpoint = z.output<typeof Endpoint>

const Ms = z.number().min(0)

const scope = {
  /** Endpoints, or names of webhooks; all when there is none. */
  at: z.union([z.string(), z.array(z.string())]).optional(),
  reference: z.string().optional(),
  probability: z.number().min(0).max(1).default(1),
  /** How often it may happen. */
  times: z.int().min(1).optional(),
}

/** Whether the work is done nevertheless: `late` does it `lateMs` after the answer. */
const work = {
  work: z.enum(['done', 'none', 'late']).default('done'),
  lateMs: Ms.default(1_000),
}

const CallRule = z.discriminatedUnion('fault', [
  /** Answers with a failure. */
  z.strictObject({
    fault: z.literal('error'),
    status: z.int().min(400).max(599).default(500),
    code: z.string().optional(),
    message: z.string().default('An error occurred'),
    ...work,
    ...scope,
  }),
  /** Cuts the connection. */
  z.strictObject({ fault: z.literal('reset'), ...work, ...scope }),
  /** Never answers. */
  z.strictObject({ fault: z.literal('silence'), ...work, ...scope }),
  /** Answers later; the work is done before the wait, or after it. */
  z.strictObject({
    fault: z.literal('delay'),
    ms: Ms,
    work: z.enum(['before', 'after']).default('before'),
    ...scope,
  }),
  /** 429, and nothing is done. */
  z.strictObject({ fault: z.literal('throttle'), retryAfterSeconds: z.int().min(0).default(1), ...scope }),
  /** Half of the JSON. */
  z.strictObject({ fault: z.literal('malformed'), ...scope }),
  z.strictObject({ fault: z.literal('textAmounts'), ...scope }),
  /** Less money than was asked for. */
  z.strictObject({ fault: z.literal('shortAmount'), byMinor: z.int().default(1), ...scope }),
  z.strictObject({ fault: z.literal('otherCurrency'), currency: z.string().default('USD'), ...scope }),
  /** Answers when the webhooks of the call have been tried. */
  z.strictObject({ fault: z.literal('answerLast'), ...scope }),
  /** Does the work twice, and answers once. */
  z.strictObject({ fault: z.literal('twice'), ...scope }),
])
export type CallRule = z.output<typeof CallRule>

const WebhookRule = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('webhookDelay'), ms: Ms, ...scope }),
  /** It is never sent. */
  z.strictObject({ fault: z.literal('webhookDrop'), ...scope }),
  /** It is sent so often, all at once. */
  z.strictObject({
    fault: z.literal('webhookDuplicate'),
    copies: z.int().min(2).max(100).default(2),
    ...scope,
  }),
  /** It waits until another webhook has been sent, but not longer than this. */
  z.strictObject({ fault: z.literal('webhookReorder'), withinMs: Ms.default(1_000), ...scope }),
])
export type WebhookRule = z.output<typeof WebhookRule>

export const Rule = z.discriminatedUnion('fault', [...CallRule.options, ...WebhookRule.options])
export type Rule = z.output<typeof Rule>
export type RuleInput = z.input<typeof Rule>

export const Hostility = z.strictObject({
  seed: z.int(),
  /** How many of the calls, and how many of the webhooks, go wrong. */
  rate: z.number().min(0).max(1).default(0.3),
  /** The longest wait, in milliseconds of the simulator's clock. */
  mostMs: Ms.default(2_000),
  /** Never answering holds a call until whoever made it gives up. */
  silence: z.boolean().default(false),
})

export type Faults = {
  /** @returns its number, for `remove` */
  add: (rule: RuleInput) => number
  remove: (id: number) => boolean
  /** Everything goes well again. */
  clear: () => void
  list: () => { id: number; happened: number; rule: Rule }[]
  /** Much goes wrong at random, but nothing that changes who owes what; the same again for the same seed and calls. */
  hostile: (options: z.input<typeof Hostility>) => void
  forCall: (endpoint: Endpoint, reference: string | undefined) => CallRule | undefined
  forWebhook: (event: string, reference: string) => WebhookRule | undefined
}

export const createFaults = (newId: () => number): Faults => {
  const rules = new Map<number, { rule: Rule; happened: number }>()
  let random = createRandom(1)
  let hostility: z.output<typeof Hostility> | undefined
  /** The first rule that fits and happens. */
  const drawn = <Wanted extends Rule>(
    isWanted: (rule: Rule) => rule is Wanted,
    name: string,
    reference: string | undefined,
  ): Wanted | undefined => {
    for (const entry of rules.values()) {
      const { rule } = entry
      if (!isWanted(rule) || !fits(rule, name, reference)) continue
      if (rule.times !== undefined && entry.happened >= rule.times) continue
      if (rule.probability < 1 && random() >= rule.probability) continue
      entry.happened++
      return rule
    }
    return undefined
  }
  return {
    add: (input) => {
      const id = newId()
      rules.set(id, { rule: Rule.parse(input), happened: 0 })
      return id
    },
    remove: (id) => rules.delete(id),
    clear: () => {
      rules.clear()
      hostility = undefined
    },
    list: () => [...rules].map(([id, entry]) => ({ id, ...entry })),
    hostile: (options) => {
      hostility = Hostility.parse(options)
      random = createRandom(hostility.seed)
    },
    forCall: (endpoint, reference) => {
      const rule = drawn(isCallRule, endpoint, reference)
      if (rule || !hostility || random() >= hostility.rate) return rule
      return anyOf(random, hostileCalls(random, hostility))
    },
    forWebhook: (event, reference) => {
      const rule = drawn(isWebhookRule, event, reference)
      if (rule || !hostility || random() >= hostility.rate) return rule
      return anyOf(random, hostileWebhooks(random, hostility))
    },
  }
}

const isWebhookRule = (rule: Rule): rule is WebhookRule => rule.fault.startsWith('webhook')
const isCallRule = (rule: Rule): rule is CallRule => !isWebhookRule(rule)

const fits = ({ at, reference: wanted }: Rule, name: string, reference: string | undefined) =>
  (at === undefined || [at].flat().includes(name)) && (wanted === undefined || wanted === reference)

const hostileCalls = (random: () => number, { mostMs, silence }: z.output<typeof Hostility>): CallRule[] => {
  const ms = Math.round(random() * mostMs)
  const one = (rule: z.input<typeof CallRule>) => CallRule.parse(rule)
  const calls = (['done', 'none', 'late'] as const).flatMap((done) => [
    one({ fault: 'error', work: done, lateMs: ms }),
    one({ fault: 'reset', work: done, lateMs: ms }),
    ...(silence ? [one({ fault: 'silence', work: done, lateMs: ms })] : []),
  ])
  return [
    ...calls,
    one({ fault: 'delay', ms, work: 'before' }),
    one({ fault: 'delay', ms, work: 'after' }),
    one({ fault: 'throttle' }),
    one({ fault: 'malformed' }),
    one({ fault: 'textAmounts' }),
    one({ fault: 'answerLast' }),
  ]
}

const hostileWebhooks = (random: () => number, { mostMs }: z.output<typeof Hostility>): WebhookRule[] => {
  const ms = Math.round(random() * mostMs)
  const one = (rule: z.input<typeof WebhookRule>) => WebhookRule.parse(rule)
  return [
    one({ fault: 'webhookDelay', ms }),
    one({ fault: 'webhookDrop' }),
    one({ fault: 'webhookDuplicate', copies: 2 + Math.floor(random() * 4) }),
    one({ fault: 'webhookReorder', withinMs: mostMs }),
  ]
}

const anyOf = <Item>(random: () => number, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)]!

/** mulberry32: the same numbers from 0 to 1 for the same seed. */
const createRandom = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
