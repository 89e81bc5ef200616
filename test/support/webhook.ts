import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import type { LaurelServer } from '../../src/server.ts'

/** The key of the payment provider in tests. */
export const SECRET = 'sk_test_a_key_for_tests'

/** As Paystack signs what it posts. */
export const signed = (body: string | Buffer, secret = SECRET): string =>
  createHmac('sha512', secret).update(body).digest('hex')

export type Headers = Record<string, string | string[]>

/** Plain HTTP: `fetch` cannot send a header twice. */
export const post = (
  { url }: Pick<LaurelServer, 'url'>,
  body: string | Buffer,
  headers: Headers = { 'x-paystack-signature': signed(body) },
) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sending = request(
      `${url}/webhooks/paystack`,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      async (response) => {
        let text = ''
        for await (const chunk of response) text += String(chunk)
        resolve({ status: response.statusCode!, body: text })
      },
    )
    sending.on('error', reject)
    sending.end(body)
  })
