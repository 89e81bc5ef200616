import { createSimulator } from '../src/paystack-simulator/simulator.ts'

/** The payment provider, in a process of its own, with as many transactions as the parent asks for. */
const secretKey = 'sk_test_of_the_benchmarks'
const simulator = await createSimulator({ host: '127.0.0.1', port: 0, secretKey, now: Date.now })
const references = process.argv.slice(2)
for (const reference of references)
  await fetch(`${simulator.url}/transaction/initialize`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secretKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'payer@example.test', amount: 10_000, currency: 'NGN', reference }),
  })
process.send?.({ url: simulator.url, secretKey })
