import { createSimulator } from '../../src/paystack-simulator/simulator.ts'
import type { Asked, ProviderControl } from './provider.ts'

/** The payment provider, which outlives every server and whose clock its parent moves. */

let skewMs = 0
const simulator = await createSimulator({
  host: '127.0.0.1',
  port: 0,
  secretKey: process.env['LAUREL_TEST_SECRET']!,
  now: () => Date.now() + skewMs,
  refundStepMs: Number(process.env['LAUREL_TEST_REFUND_STEP_MS'] ?? 0),
})
const { control } = simulator

const answers: ProviderControl = {
  setWebhookUrl: async (url) => control.setWebhookUrl(url),
  pay: async (payments) => {
    for (const { reference, scenario } of payments) control.pay(reference, { scenario })
  },
  planRefunds: async (plan, references) => {
    for (const reference of references) control.planRefunds(plan, reference)
  },
  hostile: async (options) => control.hostile(options),
  calm: async () => control.calm(),
  idle: () => control.idle(),
  advance: async (ms) => void (skewMs += ms),
  books: async () => control.books(),
}

process.on('message', ({ id, name, args }: Asked) => {
  const answer = answers[name] as (...given: readonly unknown[]) => Promise<unknown>
  answer(...args).then(
    (data) => process.send?.({ id, data }),
    (error: unknown) => process.send?.({ id, failure: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ url: simulator.url })
