import { parseArgs } from 'node:util'
import { z } from 'zod'
import { createSimulator } from './simulator.ts'

/** `npm run paystack-simulator`: the simulator as a program of its own. */

const USAGE = `npm run paystack-simulator -- [--port 4000] [--host 127.0.0.1] [--key sk_test_…] [--webhook http://127.0.0.1:3000/webhooks/paystack] [--file books.json]`

const Flags = z.strictObject({
  port: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a port from 0 to 65535')
    .default(4_000),
  host: z.string().min(1, 'must be an address of this machine').default('127.0.0.1'),
  key: z
    .string()
    .regex(
      /^sk_test_\w{8,}$/,
      'must be sk_test_ and at least 8 letters and digits; a live key has no business here',
    )
    .default('sk_test_simulator'),
  webhook: z.url({ protocol: /^https?$/, error: 'must be an http:// address' }).optional(),
  file: z.string().min(1, 'must be a file').optional(),
})

const main = async () => {
  const { port, host, key, webhook, file } = readFlags()
  const simulator = await createSimulator({
    port,
    host,
    secretKey: key,
    now: Date.now,
    refundStepMs: 2_000,
    ...(webhook === undefined ? {} : { webhookUrl: webhook }),
    ...(file === undefined ? {} : { file }),
  })
  process.stdout.write(`${introduction(simulator.url, { key, webhook, file })}\n`)
  const stop = () => void simulator.close().then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
}

const readFlags = (): z.output<typeof Flags> => {
  const text = { type: 'string' } as const
  const options = { port: text, host: text, key: text, webhook: text, file: text }
  const { values } = parseArgs({ options })
  const flags = Flags.safeParse(values)
  if (flags.success) return flags.data
  const [issue] = flags.error.issues
  throw new Error(`--${issue?.path.join('.')} ${issue?.message}`)
}

type Given = { key: string; webhook: string | undefined; file: string | undefined }

const introduction = (url: string, { key, webhook, file }: Given) => `
A simulator of Paystack, made from its documents; no money moves.

  Address    ${url}
  Key        ${key}
  Webhooks   ${webhook ?? 'to nobody; --webhook <address> changes that'}
  Books      ${file ?? 'in memory; --file <path> keeps them'}
  Control    ${url}/_control/books  (docs/paystack-simulator.md has the rest)
  Stop       Ctrl-C

  Laurel uses it with
  PAYSTACK_URL=${url} PAYSTACK_SECRET_KEY=${key} npm start
`

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The simulator cannot start: ${message}\nUsage: ${USAGE}\n`)
  process.exitCode = 1
})
