import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkCommands, checkImage } from '../kill/check-image.ts'
import { checkRules } from '../kill/check-rules.ts'
import { checkSnapshot, checkSubscribers, hasArrived } from '../kill/check-subscribers.ts'
import { createCommander } from '../kill/commander.ts'
import type { KnownCertifications } from '../kill/commands.ts'
import { createHistory, type Image } from '../kill/history.ts'
import { inPostgres } from '../kill/place.ts'
import { createRandom } from '../kill/random.ts'
import { RULES, type Rule } from '../kill/rules.ts'
import type { Door } from '../kill/server-process.ts'
import { createWatchers } from '../kill/watchers.ts'
import { makeWorld, renewTokens, type World } from '../kill/world.ts'
import { compareBooks } from '../money/books.ts'
import { makeShop, type Shop } from '../money/shop.ts'
import { createShoppers } from '../money/shoppers.ts'
import { createTeller } from '../money/teller.ts'
import { brokenBy, type BrokenName } from './broken/list.ts'
import { startCluster, TOKEN_SECRET, type Cluster } from './cluster.ts'
import type { FaultName } from './faults.ts'
import { everyNodeAnswers } from './liveness.ts'
import { createNemesis } from './nemesis.ts'
import { keepRecord, summaryOf } from './record.ts'

export type ChaosOptions = {
  seed: number
  minutes: number
  faults: readonly FaultName[]
  /** A promise that the nodes break. */
  broken?: BrokenName
  print: (line: string) => void
}

export type Violation = { rule: Rule; what: string }

export type ChaosOutcome = {
  violations: readonly Violation[]
  /** Everything that is known, when something was violated. */
  folder?: string
}

const NODES = 3
const CERTIFICATIONS = 150
const PAYMENTS = 400
const SHOPPERS_AT_ONCE = 2
const RENEW_TOKENS_MS = 4 * 60_000
/** Between two rounds of what happens to the connections of those who watch. */
const ROUND_MS = 8_000
/** By then every command has its answer, when nothing is in its way any more. */
const FINISH_MS = 60_000
/** Leases of a node that died, and the backoff of an effect that failed a few times. */
const SETTLE_MS = 120_000
const ARRIVE_MS = 30_000
const MONEY_MS = 60_000
/** A broken build shows itself soon or never. */
const BROKEN_PATIENCE = 0.2

/**
 * Three nodes behind a balancer under load, while everything that they need is taken from them; at the end, what
 * everybody was told is held against what is stored.
 */
export const runChaos = async (options: ChaosOptions): Promise<ChaosOutcome> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-chaos-'))
  const violations: Violation[] = []
  const violated = (what: string, rule: Rule) => {
    if (violations.length < 200) violations.push({ rule, what })
  }
  try {
    await run(options, folder, violated, () => violations.length)
  } catch (error) {
    violated(error instanceof Error ? (error.stack ?? error.message) : String(error), 'liveness')
  }
  if (violations.length === 0) {
    await rm(folder, { recursive: true, force: true })
    return { violations }
  }
  await writeFile(
    join(folder, 'violations.txt'),
    violations.map(({ rule, what }) => `${rule}: ${what}`).join('\n'),
  )
  return { violations, folder }
}

type Violate = (what: string, rule: Rule) => void

const run = async (options: ChaosOptions, folder: string, violated: Violate, broken: () => number) => {
  const { print } = options
  const random = createRandom(options.seed)
  const history = createHistory(violated)
  const prepared = Promise.withResolvers<{ world: World; head: Image['head']; shop: Shop }>()
  const breakage = options.broken ? brokenBy(options.broken) : undefined
  const cluster = await startCluster({
    folder,
    nodes: NODES,
    violated,
    ...breakage,
    prepare: async (url) => {
      const place = inPostgres(folder, url)
      const { world } = await makeWorld(place, random.fork(), history)
      const shop = await makeShop(
        { database: place.options, tokenSecret: TOKEN_SECRET },
        random.fork(),
        PAYMENTS,
      )
      const { head } = await place.inspect(history.read)
      prepared.resolve({ world, head, shop })
    },
  })
  try {
    const people = await prepared.promise
    await campaign({ options, cluster, random, history, violated, broken, ...people })
  } finally {
    await cluster.close()
    print('the cluster has ended')
  }
}

type Campaign = {
  options: ChaosOptions
  cluster: Cluster
  random: ReturnType<typeof createRandom>
  history: ReturnType<typeof createHistory>
  violated: Violate
  broken: () => number
  world: World
  head: Image['head']
  shop: Shop
}

const campaign = async ({ options, cluster, random, history, violated, ...rest }: Campaign) => {
  const { world, head, shop, broken } = rest
  const { print } = options
  const patience = options.broken ? BROKEN_PATIENCE : 1
  const place = inPostgres(cluster.folder, cluster.databaseUrl)
  const server: Door = { up: async () => cluster.url, lives: () => false }
  const known: KnownCertifications = { list: [], mayIssue: () => known.list.length < CERTIFICATIONS }
  const shared = { server, world, known, violated, rough: true }
  await renewTokens(world, cluster.url)
  const commander = createCommander({ ...shared, random: random.fork() })
  const watchers = createWatchers({ ...shared, random: random.fork(), loses: () => false })
  let over = false
  const shoppers = createShoppers({
    shop,
    simulator: cluster.simulator.control,
    ask: createTeller(cluster.url, () => over),
    random: random.fork(),
    violated: (what) => violated(what, 'money'),
    atOnce: SHOPPERS_AT_ONCE,
    scenarios: ['success'],
    inRealTime: true,
  })
  const nemesis = createNemesis({
    context: {
      cluster,
      random: random.fork(),
      aToken: () => world.admin.token,
      aTopic: () => `org:${world.orgId}`,
      log: print,
    },
    faults: options.faults,
  })

  const record = { commander, watchers, history, nemesis }
  const renewing = setInterval(() => void renewTokens(world, cluster.url).catch(() => {}), RENEW_TOKENS_MS)
  try {
    await commander.work()
    const shopping = shoppers.run().catch((error: unknown) => over || violated(String(error), 'money'))
    const until = Date.now() + options.minutes * 60_000
    // With nothing to cause it would wait for something that ends.
    const causing = options.faults.length > 0 ? nemesis.run(until) : undefined
    while (Date.now() < until && broken() === 0) {
      const stop = watchers.play(ROUND_MS)
      await sleep(Math.min(ROUND_MS, Math.max(0, until - Date.now())))
      stop()
    }
    await nemesis.stop()
    await causing
    print('the faults are over')
    watchers.assemble()
    // A while in which all is well.
    await sleep(3_000 * patience)
    if (!(await inTime(commander.finish(), FINISH_MS * patience)))
      violated('some commands got no answer after the faults were over', 'liveness')
    shoppers.stop()
    await inTime(shopping, MONEY_MS * patience)
    await everyNodeAnswers({ cluster, world, commands: commander.commands, violated })
    await inTime(shoppers.settle(Date.now() + MONEY_MS * patience), 2 * MONEY_MS * patience)
    const image = await atRest(() => place.inspect(history.read), SETTLE_MS * patience)
    over = true
    const allThere = () => watchers.list.every((subscriber) => hasArrived(history, subscriber))
    for (const end = Date.now() + ARRIVE_MS * patience; !allThere() && Date.now() < end;) await sleep(50)
    await sleep(300)
    if (!allThere()) violated('some events have not reached all who watch', 'liveness')

    checkImage(history, image, violated)
    checkCommands(history, commander.commands, head.position, violated)
    checkRules(history, image, violated)
    checkSubscribers(history, watchers.list, new Map(), violated)
    for (const subscriber of watchers.list)
      for (const cursor of subscriber.cursors.values())
        checkSnapshot(history, subscriber, cursor, (what, rule) =>
          violated(`${subscriber.name}: ${what}`, rule),
        )
    if (image.head.epoch !== head.epoch)
      violated(`the epoch was ${head.epoch} and is ${image.head.epoch}`, 'epoch')
    const books = await place.inspect((database) =>
      compareBooks(database, cluster.simulator.control.books(), shop, (what) => violated(what, 'money')),
    )
    print(books)
    print(summaryOf(record))
  } finally {
    over = true
    clearInterval(renewing)
    commander.close()
    watchers.close()
    if (broken() > 0) await keepRecord(cluster.folder, record)
  }
}

/** Waits until no timer is due and nothing that is due is left of the effects. */
const atRest = async (look: () => Promise<Image>, patienceMs: number): Promise<Image> => {
  for (const until = Date.now() + patienceMs; ; await sleep(1_000)) {
    const image = await look()
    const due = image.timers.filter(({ dueAt }) => dueAt <= image.takenAt)
    // What asks a provider again later says nothing about the promises of this system.
    const effects = image.effects.filter(({ id }) => !/^(payment|purchase|refund|dispute):/.test(id))
    if (due.length + effects.length === 0 || Date.now() > until) return { ...image, effects }
  }
}

const inTime = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const late = new AbortController()
  const first = await Promise.race([
    work.then(() => true),
    sleep(ms, false, { signal: late.signal }).catch(() => false),
  ])
  late.abort()
  return first
}

export const describeRule = (rule: Rule): string => `${rule}: ${RULES[rule]}`
