import { pino } from 'pino'
import { actors } from '../../actors/registry.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { startServer } from '../../src/server.ts'
import { startProfile } from '../profiling.ts'
import { benchPayment, benchPaymentMigration } from './laurel-payment.ts'

/** The whole product with one actor more. */
const server = await startServer({
  database: { url: process.argv[2]! },
  host: '127.0.0.1',
  port: 0,
  tokenSecret: 'a secret for benchmarks, long enough for anybody',
  vaultKeys: [{ id: 'bench', key: Buffer.alloc(32, 7) }],
  requestsPerMinute: 1_000_000_000,
  definitions: [...actors, benchPayment],
  migrations: [...migrations, benchPaymentMigration],
  logger: pino({ level: 'error' }),
})
const account = { email: 'payer@bench.test', password: 'a password for benchmarks' }
const created = await server.accounts.createUser({
  ...account,
  name: 'Payer',
  orgId: server.defaultOrgId,
  roles: ['student'],
})
if (!created.ok) throw new Error(created.error.message)
const response = await fetch(`${server.url}/api/auth/user/login`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(account),
})
const { data } = (await response.json()) as { data: { token: string } }
let stop: ReturnType<typeof startProfile> | undefined
process.on('message', async (order) => {
  if (order === 'profile') stop = startProfile()
  else process.send!(await (await stop!)())
})
process.on('disconnect', () => process.exit(0))
process.send!({ url: server.url, token: data.token })
