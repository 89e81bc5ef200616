import { pino } from 'pino'
import { startServer } from '../../src/server.ts'
import type { ServerOptions } from '../../src/server/options.ts'

/** A server whose clock its parent process moves. Its settings come as JSON in LAUREL_TEST_NODE. */

export type NodeSettings = Pick<
  ServerOptions,
  'database' | 'host' | 'port' | 'tokenSecret' | 'paystack' | 'redisUrl'
> & { offsetMs: number; vaultKey: string }

const { offsetMs, vaultKey, ...settings } = JSON.parse(process.env['LAUREL_TEST_NODE']!) as NodeSettings
let offset = offsetMs
process.on('message', (message: { offsetMs: number }) => {
  offset = message.offsetMs
})
// Nobody is left to move the clock.
process.on('disconnect', () => process.exit())

const server = await startServer({
  ...settings,
  vaultKeys: [{ id: 'test', key: Buffer.from(vaultKey, 'base64') }],
  requestsPerMinute: 1_000_000_000,
  failedPaymentsPerHour: 1_000_000,
  loginLimits: { perAddress: 1_000_000_000, perAccount: 1_000_000_000, perAccountAndAddress: 1_000_000_000 },
  clock: { now: () => Date.now() + offset, stop: () => {} },
  timerPollMs: 50,
  logger: pino({ level: 'error' }),
})
process.send?.({ url: server.url })
