import type { EventFrame } from '../../contracts/protocol.ts'
import type { KnownCertifications } from './commands.ts'
import type { Random } from './random.ts'
import type { Violated } from './rules.ts'
import type { Door } from './server-process.ts'
import { createSubscriber, type Subscriber, type SubscriberOptions } from './subscriber.ts'
import type { World } from './world.ts'

/** All who watch, and what happens to them besides the kills. */
export type Watchers = {
  list: Subscriber[]
  /** What becomes of their connections in a round that lasts so long. @returns the function that ends it. */
  play: (durationMs: number) => () => void
  /** Those who are away come back. */
  assemble: () => void
  close: () => void
}

type Options = {
  server: Door
  world: World
  known: KnownCertifications
  random: Random
  violated: Violated
  rough?: boolean
  loses: (frame: EventFrame) => boolean
}

/** Topics of single certifications, of one subscriber. */
const MOST_CERTIFICATIONS = 20
const MOST_NEWCOMERS = 10

export const createWatchers = (options: Options): Watchers => {
  const { world, known, random } = options
  const { orgId, admin, coordinators, mentors } = world
  const [one, other] = coordinators as [World['admin'], World['admin']]
  const org = `org:${orgId}`
  const both = coordinators.map(({ id }) => `coordinator:${id}`)
  const allMentors = mentors.map(({ id }) => `mentor:${id}`)
  const [first] = mentors as [World['mentors'][number]]

  type Spec = Pick<SubscriberOptions, 'name' | 'person' | 'namespace' | 'mode' | 'topics'>
  const aWatcher = (spec: Spec): Subscriber => createSubscriber({ ...options, ...spec })
  const live = '/live'
  const narrow = '/certifications'
  const list = [
    aWatcher({ name: 'organisation', person: admin, namespace: live, mode: 'each', topics: [org] }),
    aWatcher({ name: 'organisation, batches', person: admin, namespace: live, mode: 'batch', topics: [org] }),
    aWatcher({ name: 'narrow', person: admin, namespace: narrow, mode: 'each', topics: [org, both[0]!] }),
    aWatcher({ name: 'narrow, batches', person: admin, namespace: narrow, mode: 'batch', topics: both }),
    aWatcher({ name: 'coordinator', person: one, namespace: live, mode: 'each', topics: [both[0]!] }),
    aWatcher({
      name: 'coordinator, batches',
      person: other,
      namespace: live,
      mode: 'batch',
      topics: [both[1]!],
    }),
    aWatcher({ name: 'mentors', person: admin, namespace: live, mode: 'each', topics: allMentors }),
    aWatcher({
      name: 'mentor, batches',
      person: first.user,
      namespace: live,
      mode: 'batch',
      topics: [allMentors[0]!, `user:${first.user.id}`],
    }),
  ]
  const ofSingles = [
    aWatcher({ name: 'single', person: admin, namespace: live, mode: 'each', topics: [org] }),
    aWatcher({ name: 'single, batches', person: admin, namespace: narrow, mode: 'batch', topics: [org] }),
  ]
  const strays = [
    aWatcher({ name: 'stray', person: admin, namespace: live, mode: 'each', topics: [org, ...both] }),
    aWatcher({ name: 'stray, batches', person: other, namespace: narrow, mode: 'batch', topics: [both[1]!] }),
  ].map((subscriber) => ({ subscriber, roundsLeft: 0 }))
  list.push(...ofSingles, ...strays.map(({ subscriber }) => subscriber))
  let newcomers = 0

  const aNewcomer = () => {
    newcomers++
    const namespace = random.pick([live, narrow] as const)
    const mode = random.pick(['each', 'batch'] as const)
    const topics = random.pick([[org], both, [both[0]!, org], allMentors])
    list.push(aWatcher({ name: `newcomer ${newcomers}`, person: admin, namespace, mode, topics }))
  }

  const stray = () => {
    for (const wanderer of strays) {
      if (wanderer.roundsLeft > 0) wanderer.roundsLeft--
      else if (random.chance(0.4)) wanderer.roundsLeft = random.int(2, 5)
      if (wanderer.roundsLeft > 0) wanderer.subscriber.line.goAway()
      else wanderer.subscriber.line.comeBack()
    }
  }

  return {
    list,
    play: (durationMs) => {
      stray()
      const later = (act: () => void) => setTimeout(act, random.int(0, durationMs))
      const timers = [
        ...list.slice(0, 5).map(() => later(() => random.pick(list).line.bounce())),
        ...list.slice(0, 2).map(() => later(() => random.pick(list).askAgain())),
        later(() => {
          const ids = known.list.slice(0, MOST_CERTIFICATIONS).map(({ id }) => `certification:${id}`)
          for (const subscriber of ofSingles) subscriber.watch(ids)
        }),
      ]
      if (newcomers < MOST_NEWCOMERS && random.chance(0.4)) timers.push(later(aNewcomer))
      return () => timers.forEach(clearTimeout)
    },
    assemble: () => {
      for (const { line } of list) line.comeBack()
    },
    close: () => {
      for (const { line } of list) line.close()
    },
  }
}
