import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Database } from '../../persistence/database.ts'
import { checkCommands, checkImage } from './check-image.ts'
import { checkRules } from './check-rules.ts'
import { checkSnapshot, checkSubscribers, hasArrived, type Compared } from './check-subscribers.ts'
import { createCommander } from './commander.ts'
import type { KnownCertifications } from './commands.ts'
import { createHistory, readTurns, type Image } from './history.ts'
import { inFolder, inPostgres } from './place.ts'
import { createRandom } from './random.ts'
import type { Violated } from './rules.ts'
import { createSaboteur, type Sabotage } from './sabotage.ts'
import { createServerProcess } from './server-process.ts'
import { createWatchers } from './watchers.ts'
import { makeWorld, renewTokens, TOKEN_SECRET } from './world.ts'

export type CampaignOptions = {
  seed: number
  rounds: number
  /** An empty database; without it, PGlite in a folder. */
  postgresUrl?: string
  sabotage?: Sabotage
  print: (line: string) => void
}

export type Outcome = {
  passed: number
  violations: readonly string[]
  /** Everything that is known, when something was violated. */
  folder?: string
}

const CERTIFICATIONS = 150
/** Kills come at any moment up to here after all command clients, or the first one, have found the server. */
const LONGEST_ROUND_MS = 1_500
const CONNECT_MS = 10_000
const RENEW_TOKENS_MS = 5 * 60_000
/** Leases of a dead server: 5 s for a fresh effect, 10 s for a timer, 60 s for an effect that is tried again. */
const SETTLE_MS = 90_000
/** By then everything has expired that is to expire in the test. */
const LONGEST_PERIOD_MS = 3_200
const FINISH_MS = 60_000
const ARRIVE_MS = 30_000

/**
 * Kills a server under load at random moments, starts it again on the same data, and compares what everybody was told
 * with what is stored: after every kill, and once more when nothing is under way.
 */
export const runCampaign = async (options: CampaignOptions): Promise<Outcome> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-kill-'))
  const violations: string[] = []
  const campaign = await prepare(options, folder, (what) => {
    if (violations.length < 50) violations.push(what)
  })
  let passed = 0
  try {
    for (let round = 1; round <= options.rounds && violations.length === 0; round++) {
      const line = await campaign.round(round)
      if (violations.length === 0) passed++
      options.print(`round ${round}: ${line}${violations.length > 0 ? '; FAILED' : ''}`)
    }
    if (violations.length === 0) options.print(`the end: ${await campaign.settle()}`)
  } catch (error) {
    violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  await campaign.close()
  if (violations.length === 0) {
    await rm(folder, { recursive: true, force: true })
    return { passed, violations }
  }
  await writeFile(join(folder, 'commands.json'), JSON.stringify([...campaign.commands.values()], null, 1))
  await writeFile(join(folder, 'watched.json'), JSON.stringify(campaign.watched(), null, 1))
  await writeFile(join(folder, 'violations.txt'), violations.join('\n'))
  return { passed: Math.min(passed, options.rounds - 1), violations, folder }
}

const prepare = async (options: CampaignOptions, folder: string, violated: Violated) => {
  const random = createRandom(options.seed)
  const place = options.postgresUrl ? inPostgres(folder, options.postgresUrl) : inFolder(folder)
  const history = createHistory(violated)
  const { world, head } = await makeWorld(place, random.fork(), history)
  const server = createServerProcess({
    environment: { ...place.environment, LAUREL_TOKEN_SECRET: TOKEN_SECRET },
    logFile: join(folder, 'server.log'),
    violated,
  })
  const known: KnownCertifications = { list: [], mayIssue: () => known.list.length < CERTIFICATIONS }
  const shared = { server, world, known, violated }
  const saboteur = createSaboteur(options.sabotage, place)
  const commander = createCommander({ ...shared, random: random.fork() })
  const watchers = createWatchers({ ...shared, random: random.fork(), loses: saboteur.loses })
  const compared: Compared = new Map()
  /** Commands that a kill hit between the commit and the answer. */
  const unanswered = new Set<string>()
  const chance = random.fork()
  let tokensAt = Date.now()

  const check = async (look = history.read): Promise<Image> => {
    const image = await place.inspect(look)
    checkImage(history, image, violated)
    for (const id of checkCommands(history, commander.commands, head.position, violated)) unanswered.add(id)
    checkSubscribers(history, watchers.list, compared, violated)
    if (image.head.epoch !== head.epoch) violated('the epoch changed', 'epoch')
    return image
  }

  const start = async () => {
    await server.start()
    if (Date.now() - tokensAt < RENEW_TOKENS_MS) return
    await renewTokens(world, await server.up())
    tokensAt = Date.now()
  }

  /** One life of the server, and what it left behind. */
  const round = async (number: number): Promise<string> => {
    const before = { turns: history.turns.length, ...commander.stats() }
    const vainMs = chance.chance(0.15) ? chance.int(50, 2_000) : 0
    const lifeMs = chance.int(0, LONGEST_ROUND_MS)
    const early = chance.chance(0.2)
    const downMs = chance.chance(0.3) ? chance.int(100, 2_500) : 0
    if (vainMs > 0) await server.startInVain(vainMs)
    const startedAt = performance.now()
    await start()
    const startMs = performance.now() - startedAt
    const connected = commander.work()
    if (!early) await inTime(connected, CONNECT_MS)
    const stop = watchers.play(lifeMs)
    await sleep(lifeMs)
    await server.kill()
    stop()
    // What the dead server sent is still on its way.
    await sleep(50)
    await saboteur.afterKill(number, commander.commands)
    const image = await check()
    await sleep(downMs)
    const { accepted, refused, retried, repeated } = commander.stats()
    const counts = [
      `${history.turns.length - before.turns} turns`,
      `${accepted - before.accepted} accepted`,
      `${refused - before.refused} refused`,
      `${retried - before.retried} tried again`,
      `${repeated - before.repeated} repeated`,
      `left: ${image.effects.length} effects, ${dueTimers(image)} due timers`,
    ]
    const vain = vainMs > 0 ? ` (and once ${vainMs} ms into a start)` : ''
    return `up in ${startMs.toFixed(0)} ms, killed ${lifeMs} ms after ${early ? 'that' : 'all had connected'}${vain}; ${counts.join(', ')}`
  }

  /** Lets everything come to rest, and holds it to what must be true then. */
  const settle = async (): Promise<string> => {
    watchers.assemble()
    await start()
    const answered = await inTime(commander.finish(), FINISH_MS)
    if (!answered) violated('some commands got no answer after the last kill', 'liveness')
    const image = await rest()
    checkRules(history, image, violated)
    if (place.kind === 'pglite') await start()
    const allThere = () => watchers.list.every((subscriber) => hasArrived(history, subscriber))
    for (const until = Date.now() + ARRIVE_MS; !allThere() && Date.now() < until;) await sleep(50)
    await sleep(300)
    if (!allThere()) violated('some events have not reached all who watch', 'liveness')
    await server.kill()
    await check(readAgain)
    for (const subscriber of watchers.list)
      for (const cursor of subscriber.cursors.values())
        checkSnapshot(history, subscriber, cursor, (what, rule) =>
          violated(`${subscriber.name}: ${what}`, rule),
        )
    const events = watchers.list
      .flatMap(({ cursors }) => [...cursors.values()])
      .flatMap(({ applied }) => applied)
    const { accepted, refused, retried, repeated, askedToWait } = commander.stats()
    const commands = [
      `${accepted} accepted`,
      `${refused} refused`,
      `${retried} tried again`,
      `${unanswered.size} of them applied before the kill`,
      `${repeated} repeated`,
      `${askedToWait} put off`,
    ]
    return `${history.turns.length} turns; commands: ${commands.join(', ')}; ${watchers.list.length} subscribers were sent ${events.length} events`
  }

  /** Waits until no timer is due and no effect is waiting. */
  const rest = async (): Promise<Image> => {
    const until = Date.now() + SETTLE_MS
    let waitMs = LONGEST_PERIOD_MS
    for (;;) {
      await sleep(waitMs)
      if (place.kind === 'pglite') await server.kill()
      const image = await check()
      const left = [...image.timers.filter(({ dueAt }) => dueAt <= image.takenAt), ...image.effects]
      if (left.length === 0 || Date.now() > until) return image
      if (place.kind === 'pglite') await start()
      // The queue and the scheduler look once a second.
      waitMs = 1_500 + Math.max(0, ...left.map(({ freeAt }) => Date.parse(freeAt) - Date.now()))
    }
  }

  /** Nothing that was read at any time has changed since. */
  const readAgain = async (database: Database): Promise<Image> => {
    const image = await history.read(database)
    if (!isDeepStrictEqual(await readTurns(database.sql.query, 0), history.turns))
      violated('the journal is not what it was', 'acked-once')
    return image
  }

  return {
    round,
    settle,
    commands: commander.commands,
    watched: () => watchers.list.map(({ name, cursors }) => ({ name, cursors: [...cursors.values()] })),
    close: async () => {
      commander.close()
      watchers.close()
      await server.kill()
    },
  }
}

const dueTimers = ({ timers, takenAt }: Image) => timers.filter(({ dueAt }) => dueAt <= takenAt).length

const inTime = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const late = new AbortController()
  const first = await Promise.race([
    work.then(() => true),
    sleep(ms, false, { signal: late.signal }).catch(() => false),
  ])
  late.abort()
  return first
}
