import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Control } from '../../src/paystack-simulator/control.ts'
import type { RefundPlan, ScenarioName } from '../../src/paystack-simulator/scenarios.ts'
import { atExit } from '../support/at-exit.ts'

/** What a test does to the provider from outside of its process. */
export type ProviderControl = {
  setWebhookUrl: (url: string) => Promise<void>
  pay: (payments: readonly { reference: string; scenario: ScenarioName }[]) => Promise<void>
  planRefunds: (plan: RefundPlan, references: readonly string[]) => Promise<void>
  hostile: (options: Parameters<Control['hostile']>[0]) => Promise<void>
  calm: () => Promise<void>
  idle: () => Promise<void>
  /** Moves its clock. */
  advance: (ms: number) => Promise<void>
  books: () => Promise<ReturnType<Control['books']>>
}

export type Provider = ProviderControl & { url: string; secretKey: string; pid: number; stop: () => void }

export type Asked = { id: number; name: keyof ProviderControl; args: readonly unknown[] }
type Answered = { id: number; data?: unknown; failure?: string }

/** The simulator of the provider, in a process of its own. */
export const startProvider = async ({ refundStepMs = 0 } = {}): Promise<Provider> => {
  const secretKey = 'sk_test_of_the_removal_campaign'
  const child = fork(join(import.meta.dirname, 'provider-process.ts'), {
    env: {
      PATH: process.env['PATH'],
      LAUREL_TEST_SECRET: secretKey,
      LAUREL_TEST_REFUND_STEP_MS: String(refundStepMs),
    },
  })
  atExit(() => child.kill('SIGKILL'))
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  const waiting = new Map<number, PromiseWithResolvers<never>>()
  child.on('message', ({ id, data, failure }: Answered) => {
    if (failure === undefined) waiting.get(id)?.resolve(data as never)
    else waiting.get(id)?.reject(new Error(failure))
    waiting.delete(id)
  })
  let last = 0
  const ask =
    (name: keyof ProviderControl) =>
    (...args: readonly unknown[]): Promise<never> => {
      const id = ++last
      const answer = Promise.withResolvers<never>()
      waiting.set(id, answer)
      child.send({ id, name, args } satisfies Asked)
      return answer.promise
    }
  return {
    url,
    secretKey,
    pid: child.pid!,
    setWebhookUrl: ask('setWebhookUrl'),
    pay: ask('pay'),
    planRefunds: ask('planRefunds'),
    hostile: ask('hostile'),
    calm: ask('calm'),
    idle: ask('idle'),
    advance: ask('advance'),
    books: ask('books'),
    stop: () => void child.kill('SIGKILL'),
  }
}
