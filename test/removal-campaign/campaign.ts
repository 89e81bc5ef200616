import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RemovalView } from '../../contracts/removal.ts'
import { createRandom, type Random } from '../kill/random.ts'
import { inFolder, inPostgres } from '../kill/place.ts'
import { createNodeProcess } from '../money/node-process.ts'
import { createTeller, type Customer, type Teller } from '../money/teller.ts'
import { freePort } from '../support/free-port.ts'
import { createClerk, type Clerk } from './clerk.ts'
import { judge } from './judge.ts'
import { createKiller } from './killer.ts'
import { drawLearners, isIn, type Learner } from './learners.ts'
import { plannedFor, refundedTo } from './policy.ts'
import { startProvider, type Provider } from './provider.ts'
import { setStage } from './stage.ts'
import { watch, type Watcher } from './watcher.ts'

export type RemovalOptions = {
  seed: number
  enrollments: number
  kills: number
  /** An empty database; without it, PGlite in a folder. */
  postgresUrl?: string
  print: (line: string) => void
}

export type RemovalOutcome = { violations: readonly string[]; summary: string; folder?: string }

const TOKEN_SECRET = 'a secret for tests, long enough for anybody'
const VAULT_KEY = Buffer.alloc(32, 7).toString('base64')
const STEPS_OF_MINUTES = 30
/** Well before whoever runs it gives up, so that it can say what it waits for. */
const DEADLINE_MS = { base: 9 * 60_000, each: 600 }
/** Refunds whose end the provider has kept to itself are looked for after days, for which nobody waits here. */
const STILL_MS = 20_000

/**
 * An offering is removed from everybody while the server is killed again and again and much goes wrong at the provider.
 * At the end everybody must have got back what is due, to the minor unit and once, and whoever watched must have been
 * told of it in order.
 */
export const runRemovalCampaign = async (options: RemovalOptions): Promise<RemovalOutcome> => {
  const { print, seed } = options
  const folder = await mkdtemp(join(tmpdir(), 'laurel-removal-'))
  const violations: string[] = []
  const violated = (what: string) => {
    if (violations.length < 50) violations.push(what)
  }
  const random = createRandom(seed)
  const learners = drawLearners(random.fork(), options.enrollments)
  const place = options.postgresUrl ? inPostgres(folder, options.postgresUrl) : inFolder(folder)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const provider = await startProvider({ refundStepMs: 200 })
  const settings = {
    database: place.options,
    host: '127.0.0.1',
    port,
    tokenSecret: TOKEN_SECRET,
    vaultKey: VAULT_KEY,
    paystack: { secretKey: provider.secretKey, url: provider.url },
  }
  const node = createNodeProcess(settings, join(folder, 'server.log'), violated)
  const began = Date.now()
  const tell = (what: string) => print(`${((Date.now() - began) / 1_000).toFixed(1)} s: ${what}`)
  let over = false
  const deadlineMs = DEADLINE_MS.base + DEADLINE_MS.each * options.enrollments
  const stopped = () => over || violations.length > 0 || Date.now() > began + deadlineMs
  const ask = createTeller(url, () => over)
  const closing: (() => void)[] = []
  try {
    const stage = await setStage(settings, provider, learners)
    tell(`${learners.length} learners are there`)
    const { admin, offeringId } = stage
    const rejected = new Set(learners.filter((one) => one.isRejected).map(({ paymentId }) => paymentId))
    const clerk = createClerk({ admin, ask, random: random.fork(), rejected, violated, stopped })
    const killer = createKiller({ kills: options.kills, node, chance: random.fork(), stopped })
    const move = async (ms: number) => {
      node.advance(ms)
      await provider.advance(ms)
    }
    const { tutor } = stage
    const scene: Scene = { tutor, ask, clerk, killer, provider, learners, move, tell, violated, stopped }
    await provider.hostile({ seed, rate: 0.3, mostMs: 1_000 })
    await node.start()

    const removalId = await clerk.plan(offeringId)
    const token = async () => {
      await ask(admin, 'GET', `/api/v1/removals/${removalId}`)
      return admin.token
    }
    const watcher = watch({ url, topic: `removal:${removalId}`, token })
    closing.push(watcher.close)
    await awaitPlan(scene, removalId)
    await carryOut(scene, removalId, random.fork())
    await finish(scene, removalId)
    await rest(scene)
    await hearsAll(watcher)
    watcher.close()
    await node.kill()
    if (Date.now() > began + deadlineMs) violated('it takes too long')
    const books = await provider.books()
    const summary = await place.inspect((database) =>
      judge({ database, books, learners, removalId, watcher, violated }),
    )
    tell(`${killer.kills()} kills; ${summary}`)
    if (violations.length === 0) await rm(folder, { recursive: true, force: true })
    return { violations, summary, ...(violations.length > 0 ? { folder } : {}) }
  } catch (error) {
    violated(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { violations, summary: '', folder }
  } finally {
    over = true
    for (const close of closing) close()
    await node.kill()
    provider.stop()
  }
}

type Scene = {
  tutor: Customer
  ask: Teller
  clerk: Clerk
  killer: ReturnType<typeof createKiller>
  provider: Provider
  learners: readonly Learner[]
  /** Moves the clocks of the server and of the provider. */
  move: (ms: number) => Promise<void>
  tell: (what: string) => void
  violated: (what: string) => void
  stopped: () => boolean
}

const awaitPlan = async ({ clerk, killer, learners, move, tell, violated }: Scene, removalId: string) => {
  // What a killed server had in hand is free when its lease is over.
  const leases = every(500, () => move(5_000))
  const isPlanned = clerk.until(removalId, ({ status }) => status !== 'planning')
  const view = await killer.during('planning', isPlanned)
  await leases()
  const expected = learners.reduce((sum, learner) => sum + plannedFor(learner), 0n)
  const planned = BigInt(view.planned['NGN'] ?? 0)
  if (planned !== expected)
    violated(`the plan gives back ${planned} and not ${expected}: ${JSON.stringify(view)}`)
  tell(`planned, after ${killer.kills()} kills: ${view.total} enrollments, ${planned} minor units`)
}

/** Until hardly anybody is left; on the way it is paused once, some pay too late, and some refunds begin to succeed. */
const carryOut = async (scene: Scene, removalId: string, chance: Random) => {
  const { clerk, killer, provider, learners, move, tell, stopped } = scene
  const clock = every(100, async () => {
    if (chance.chance(0.15)) await move(chance.pick([1_000, 5_000, 15_000, 60_000]))
  })
  const late = learners.filter(({ story }) => story === 'late')
  await changeLessons(scene, chance)
  const working = async () => {
    await clerk.command(removalId, 'run')
    await clerk.until(removalId, ({ status }) => status === 'running' || status === 'done')
    await provider.pay(late.map(({ paymentId: reference }) => ({ reference, scenario: 'success' })))
    await clerk.until(removalId, ({ pending, total }) => pending < 0.9 * total)
    await clerk.command(removalId, 'pause')
    await sleep(500)
    await clerk.command(removalId, 'resume')
    const view = await clerk.until(
      removalId,
      orStill(({ pending, total }) => pending <= 0.15 * total),
    )
    tell(`nearly done: ${JSON.stringify(view)}`)
    if (!stopped()) await clerk.retry(removalId)
  }
  await killer.during('running', working())
  await clock()
}

/** Whether it is so, or nothing has changed for a while. */
const orStill = (is: (view: RemovalView) => boolean) => {
  let last = { pending: Infinity, at: 0 }
  return (view: RemovalView) => {
    if (view.pending !== last.pending) last = { pending: view.pending, at: Date.now() }
    return is(view) || Date.now() > last.at + STILL_MS
  }
}

/** What failed for good is tried again, now that it can succeed. */
const finish = async (
  { clerk, killer, provider, learners, move, tell, violated, stopped }: Scene,
  removalId: string,
) => {
  await provider.calm()
  const broken = learners.filter(({ card }) => card === 'refund_fails')
  await provider.planRefunds(
    'process',
    broken.map(({ paymentId }) => paymentId),
  )
  let retried = 0
  const finishing = async () => {
    for (let step = 0; ; step++) {
      const view = await clerk.look(removalId)
      if ((view.status === 'done' && view.failed + view.review === 0) || stopped()) return view
      await clerk.tidy()
      retried += await clerk.retry(removalId)
      // A refund of which nothing is heard is looked for after days.
      await move(step < STEPS_OF_MINUTES ? 60_000 : 6 * 3_600_000)
      await sleep(300)
    }
  }
  const view = await killer.during('running', finishing())
  tell(
    `${view.status}, after ${killer.kills()} kills and ${retried} settlements tried again: ${JSON.stringify(view)}`,
  )
  if (view.status !== 'done') violated(`the removal is ${view.status}`)
}

/** In the last moment some lessons are given or called off, of which the enrollments hear when they may. */
const changeLessons = async ({ learners, tutor, ask }: Scene, chance: Random) => {
  const some = learners.filter((learner) => isIn(learner) && learner.lessonId !== null && chance.chance(0.1))
  await Promise.all(
    some.map(async (learner) => {
      const isGiven = chance.chance(0.5)
      const [name, body] = isGiven ? ['complete', {}] : ['cancel', { reason: 'the pack goes' }]
      const path = `/api/v1/lessons/${learner.lessonId}/${name}`
      const { status, code } = await ask(tutor, 'POST', path, { body, key: chance.uuid() })
      if (status !== 200) throw new Error(`${path}: ${status} ${code ?? ''}`)
      learner.scheduled--
      if (isGiven) learner.completed++
    }),
  )
}

/** Also refunds that belong to no settlement come to their end. */
const rest = async ({ clerk, provider, learners, move, stopped }: Scene) => {
  for (let step = 0; step < 80 && !stopped(); step++) {
    await clerk.tidy()
    await move(step < 30 ? 60_000 : step < 50 ? 3_600_000 : 86_400_000)
    await provider.idle()
    await sleep(200)
    const books = await provider.books()
    const isDone = ({ paymentId, ...others }: Learner) =>
      BigInt(books[paymentId]?.refundedMinor ?? 0) >= refundedTo({ paymentId, ...others })
    if (step > 5 && learners.every(isDone) && (await clerk.open()) === 0) return
  }
}

/** Whoever watches is told of the end, a little later than it is. */
const hearsAll = async ({ applied }: Watcher) => {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(50))
    if (applied.at(-1)?.type === 'removal.finished') return
}

/** Again and again, one after the other. @returns what ends it */
const every = (ms: number, work: () => Promise<void>) => {
  let isOver = false
  const working = async () => {
    while (!isOver) {
      await sleep(ms)
      await work()
    }
  }
  const done = working()
  return async () => {
    isOver = true
    await done
  }
}
