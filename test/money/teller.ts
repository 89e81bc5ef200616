import { setTimeout as sleep } from 'node:timers/promises'

export type Customer = { id: string; email: string; password: string; token: string }

/** An answer that says what became of the request. */
export type Answer = {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  data: any
  code: string | undefined
}

/** Asks until there is an answer: servers die, tokens run out while the clock jumps. */
export type Teller = (
  customer: Customer,
  method: string,
  path: string,
  options?: { body?: object; key?: string },
) => Promise<Answer>

const ANSWER_MS = 25_000
const PAUSE_MS = 40
const TRY_AGAIN = new Set([429, 502, 503, 504])

export const createTeller = (url: string, stopped: () => boolean): Teller => {
  const send = async (
    { token }: Customer,
    method: string,
    path: string,
    { body, key }: { body?: object; key?: string } = {},
  ) => {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(key ? { 'idempotency-key': key } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(ANSWER_MS),
      })
      const { data, error } = (await response.json()) as { data: unknown; error?: { code: string } }
      return { status: response.status, data, code: error?.code }
    } catch {
      return undefined
    }
  }

  const signIn = async (customer: Customer) => {
    const { email, password } = customer
    const answer = await send({ ...customer, token: '' }, 'POST', '/api/auth/user/login', {
      body: { email, password },
    })
    if (answer?.status === 200) customer.token = (answer.data as { token: string }).token
  }

  return async (customer, method, path, options) => {
    for (;;) {
      if (stopped()) throw new Error('the campaign is over')
      const answer = await send(customer, method, path, options)
      if (answer?.status === 401) await signIn(customer)
      else if (answer && !TRY_AGAIN.has(answer.status)) return answer
      await sleep(PAUSE_MS)
    }
  }
}
