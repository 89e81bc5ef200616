import { pino } from 'pino'
import { createPrices } from '../../persistence/prices.ts'
import { startServer } from '../../src/server.ts'
import type { Random } from '../kill/random.ts'
import type { NodeSettings } from './node.ts'
import type { Customer } from './teller.ts'

export type Offering = { id: string; minor: number }

/** One thing that one customer will try to buy. */
export type Wish = { customer: Customer; offering: Offering }

export type Shop = { admin: Customer; customers: Customer[]; wishes: Wish[] }

const CUSTOMERS = 20
const PASSWORD = 'correct horse battery'

/** Makes everybody who takes part, and the price list, through a server in this process. */
export const makeShop = async (
  { database, tokenSecret }: Pick<NodeSettings, 'database' | 'tokenSecret'>,
  random: Random,
  payments: number,
): Promise<Shop> => {
  const server = await startServer({
    database,
    host: '127.0.0.1',
    port: 0,
    tokenSecret,
    failedPaymentsPerHour: 1_000_000,
    vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    logger: pino({ level: 'error' }),
  })
  try {
    const orgId = server.defaultOrgId
    const aCustomer = async (name: string, role: 'admin' | 'student'): Promise<Customer> => {
      const email = `${name}@example.test`
      const made = await server.accounts.createUser({ email, password: PASSWORD, name, orgId, roles: [role] })
      if (!made.ok) throw new Error(made.error.message)
      return { id: made.value.id, email, password: PASSWORD, token: '' }
    }
    const admin = await aCustomer('owner', 'admin')
    const customers: Customer[] = []
    for (let index = 0; index < CUSTOMERS; index++) customers.push(await aCustomer(`c${index}`, 'student'))
    const prices = createPrices(server.database)
    const offerings: Offering[] = []
    for (let index = 0; index * CUSTOMERS < payments; index++) {
      const offering = { id: random.uuid(), minor: random.int(5_000, 900_000) }
      const amount = { minor: offering.minor, currency: 'NGN' } as const
      const price = { offeringId: offering.id, orgId, title: `Course ${index}`, amount, active: true }
      await prices.set({ ...price, by: admin.id, updatedAt: new Date() })
      offerings.push(offering)
    }
    const wishes = offerings
      .flatMap((offering) => customers.map((customer) => ({ customer, offering })))
      .slice(0, payments)
    return { admin, customers, wishes }
  } finally {
    await server.close()
  }
}
