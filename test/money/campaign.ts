import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSimulator } from '../../src/paystack-simulator/simulator.ts'
import { createRandom } from '../kill/random.ts'
import { inFolder, inPostgres } from '../kill/place.ts'
import { freePort } from '../support/free-port.ts'
import { compareBooks } from './books.ts'
import { createNodeProcess } from './node-process.ts'
import { createShoppers } from './shoppers.ts'
import { createTeller } from './teller.ts'
import { makeShop } from './shop.ts'

export type MoneyOptions = {
  seed: number
  payments: number
  /** An empty database; without it, PGlite in a folder. */
  postgresUrl?: string
  /** Effects go through bull. */
  redis?: {
    url: string
    /** Forgets everything. */
    flush: () => Promise<void>
  }
  print: (line: string) => void
}

export type MoneyOutcome = { violations: readonly string[]; summary: string; folder?: string }

const SECRET_KEY = 'sk_test_of_the_money_campaign'
const TOKEN_SECRET = 'a secret for tests, long enough for anybody'
const VAULT_KEY = Buffer.alloc(32, 7).toString('base64')
/** Kills come after so many milliseconds of life. */
const SHORTEST_LIFE_MS = 500
const LONGEST_LIFE_MS = 7_000

/**
 * Many customers pay, decline, come back late, cancel, and want money back, at a provider where much goes wrong, while
 * the server is killed again and again and the clock jumps. At the end, what Laurel and the provider have in their books
 * must agree to the minor unit.
 */
export const runMoneyCampaign = async (options: MoneyOptions): Promise<MoneyOutcome> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-money-'))
  const violations: string[] = []
  const violated = (what: string) => {
    if (violations.length < 50) violations.push(what)
  }
  const random = createRandom(options.seed)
  const place = options.postgresUrl ? inPostgres(folder, options.postgresUrl) : inFolder(folder)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let skewMs = 0
  const simulator = await createSimulator({
    host: '127.0.0.1',
    port: 0,
    secretKey: SECRET_KEY,
    webhookUrl: `${url}/webhooks/paystack`,
    now: () => Date.now() + skewMs,
  })
  const settings = {
    database: place.options,
    host: '127.0.0.1',
    port,
    tokenSecret: TOKEN_SECRET,
    vaultKey: VAULT_KEY,
    paystack: { secretKey: SECRET_KEY, url: simulator.url },
    ...(options.redis ? { redisUrl: options.redis.url } : {}),
  }
  const shop = await makeShop(settings, random.fork(), options.payments)
  const node = createNodeProcess(settings, join(folder, 'server.log'), violated)
  let over = false
  const advance = (ms: number) => {
    skewMs += ms
    node.advance(ms)
  }
  const shoppers = createShoppers({
    shop,
    simulator: simulator.control,
    ask: createTeller(url, () => over),
    random: random.fork(),
    violated,
  })
  simulator.control.hostile({ seed: options.seed, rate: 0.3, mostMs: 1_500 })
  let lives = 0
  try {
    await node.start()
    const shopping = shoppers.run()
    let done = false
    void shopping.finally(() => (done = true)).catch(() => {})
    const chance = random.fork()
    while (!done && violations.length === 0) {
      const lifeMs = chance.int(SHORTEST_LIFE_MS, LONGEST_LIFE_MS)
      for (const until = Date.now() + lifeMs; !done && Date.now() < until;) {
        await sleep(100)
        if (chance.chance(0.1)) advance(chance.pick([1_000, 5_000, 15_000, 60_000]))
      }
      if (done) break
      await node.kill()
      lives++
      if (options.redis && chance.chance(0.3)) await options.redis.flush()
      await sleep(chance.int(0, 200))
      await node.start()
    }
    await shopping
    options.print(`${shoppers.told()}; the server was killed ${lives} times`)
    simulator.control.calm()
    await shoppers.finish(advance, options.print)
    await node.kill()
    const summary = await place.inspect((database) =>
      compareBooks(database, simulator.control.books(), shop, violated),
    )
    options.print(summary)
    if (violations.length === 0) await rm(folder, { recursive: true, force: true })
    return { violations, summary, ...(violations.length > 0 ? { folder } : {}) }
  } catch (error) {
    violated(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { violations, summary: '', folder }
  } finally {
    over = true
    await node.kill()
    await simulator.close()
  }
}
