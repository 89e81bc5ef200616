import type { Rule } from '../../kill/rules.ts'
import type { ClusterOptions } from '../cluster.ts'
import type { FaultName } from '../faults.ts'

type Change = { file: string; from: string; to: string }
type Broken = {
  /** The rule that the checker has to find broken. */
  rule: Rule
  /** In one sentence. */
  what: string
  changes: readonly Change[]
  /** What has to happen for it to show; nothing by default. */
  faults?: readonly FaultName[]
}

const STORE = 'persistence/actor-store.ts'
const ROUTINES = 'persistence/commit-routines.ts'
const DELIVERY = 'src/gateway/delivery.ts'

/** Ways to break a promise on purpose, each by a few words of the source. A checker that passes one checks nothing. */
const builds = {
  'ack-without-commit': {
    rule: 'acked-once',
    what: 'now and then a batch is acknowledged and never committed',
    changes: [
      {
        file: STORE,
        from: 'commit: async (flight, writes) => {',
        to: 'commit: async (flight, writes) => {\n    if (Math.random() < 0.02) return writes.map((_, index) => 9_000_000 + index)',
      },
    ],
  },
  'refuse-after-commit': {
    rule: 'refused-never',
    what: 'now and then a committed turn is answered with a refusal',
    changes: [
      {
        file: 'actors/engine/flight.ts',
        from: 'settle(mailbox, waiting, accepted(mailbox.id, turn, position))',
        to: `settle(mailbox, waiting, Math.random() < 0.02 ? refused('not_allowed_in_state', 'broken') : accepted(mailbox.id, turn, position))`,
      },
    ],
  },
  'forget-answers': {
    rule: 'answers-agree',
    what: 'nobody remembers what an earlier message was answered',
    changes: [
      {
        file: STORE,
        from: 'answers: async (questions) => {',
        to: 'answers: async (questions) => {\n    if (questions) return questions.map(() => undefined)',
      },
    ],
  },
  'invent-a-command': {
    rule: 'nobody-sent',
    what: 'now and then a command is stored under another id than it was sent with',
    changes: [
      {
        file: 'src/gateway/dispatcher.ts',
        from: 'const reserved = Reserved.safeParse(withoutUndefined({ id, commandId, expectedVersion }))',
        to: 'const reserved = Reserved.safeParse(withoutUndefined({ id, commandId: Math.random() < 0.02 ? crypto.randomUUID() : commandId, expectedVersion }))',
      },
    ],
  },
  'lose-events': {
    rule: 'exactly-the-events',
    what: 'now and then a node delivers nothing of a batch and goes on',
    changes: [
      { file: DELIVERY, from: 'deliver(fresh, to)', to: 'if (Math.random() > 0.01) deliver(fresh, to)' },
    ],
  },
  'double-events': {
    rule: 'exactly-the-events',
    what: 'now and then a node delivers a batch twice',
    changes: [
      {
        file: DELIVERY,
        from: 'deliver(fresh, to)',
        to: 'deliver(fresh, to)\n    if (Math.random() < 0.02) deliver(fresh, to)',
      },
    ],
  },
  'late-events': {
    rule: 'exactly-the-events',
    what: 'now and then a node delivers a batch after the one that follows it',
    changes: [
      {
        file: DELIVERY,
        from: 'deliver(fresh, to)',
        to: 'if (Math.random() < 0.02) setTimeout(deliver, 300, fresh, to)\n    else deliver(fresh, to)',
      },
    ],
  },
  'foreign-events': {
    rule: 'exactly-the-events',
    what: 'now and then an event goes to those who listen to another topic',
    changes: [
      {
        file: 'src/gateway/channels.ts',
        from: 'const channel = channels.get(topic)\n      if (channel) publish(channel, routed)',
        to: 'const channel = channels.get(Math.random() < 0.02 ? [...channels.keys()][0]! : topic)\n      if (channel) publish(channel, routed)',
      },
    ],
  },
  'other-content': {
    rule: 'exactly-the-events',
    what: 'now and then an event says another version than the journal',
    changes: [
      {
        file: 'src/gateway/channels.ts',
        from: 'prev: channel.last, ...routed.event }',
        to: 'prev: channel.last, ...routed.event, ...(Math.random() < 0.01 ? { version: 1_000 } : {}) }',
      },
    ],
  },
  'gap-unnoticed': {
    rule: 'exactly-the-events',
    what: 'a node takes what follows a gap for what follows its position',
    changes: [{ file: DELIVERY, from: 'if (from <= position + 1) {', to: 'if (from) {' }],
    faults: ['redis-drop', 'cut-redis'],
  },
  'stale-snapshot': {
    rule: 'snapshots-agree',
    what: 'a snapshot leaves somebody out',
    changes: [
      {
        file: 'src/gateway/subscriptions.ts',
        from: 'ack({ ok: true, data })\n    const { socket } = subscriber',
        to: 'ack({ ok: true, data: { ...data, topics: data.topics.map((one) => ({ ...one, snapshot: one.snapshot.slice(1) })) } })\n    const { socket } = subscriber',
      },
    ],
  },
  'holes-in-positions': {
    rule: 'positions-dense',
    what: 'each batch leaves out a position',
    changes: [
      {
        file: ROUTINES,
        from: 'set position = position + total.n from total where total.n > 0',
        to: 'set position = position + total.n + 1 from total where total.n > 0',
      },
    ],
  },
  'holes-in-versions': {
    rule: 'versions-dense',
    what: 'now and then a turn leaves out a version',
    changes: [
      {
        file: 'actors/engine/turn.ts',
        from: 'const version = (current?.version ?? 0) + 1',
        to: 'const version = (current?.version ?? 0) + (current && Math.random() < 0.02 ? 2 : 1)',
      },
    ],
  },
  'other-row': {
    rule: 'versions-dense',
    what: 'the row of an actor says another state than its last turn',
    changes: [
      {
        file: 'actors/engine/mailbox.ts',
        from: 'state: next.state,',
        to: `state: Math.random() < 0.05 ? 'elsewhere' : next.state,`,
      },
    ],
  },
  'early-timers': {
    rule: 'timers-once',
    what: 'timers fire two seconds early',
    changes: [
      {
        file: 'persistence/timers.ts',
        from: 'where due_at <= $1::timestamptz and',
        to: `where due_at <= $1::timestamptz + interval '2 seconds' and`,
      },
    ],
  },
  'lost-timers': {
    rule: 'timers-once',
    what: 'a timer that is set is not stored',
    changes: [
      { file: ROUTINES, from: "where ${WON('r.id')}\n    on conflict", to: 'where false\n    on conflict' },
    ],
  },
  'double-timers': {
    rule: 'timers-once',
    what: 'a timer that has fired may fire again, under another name',
    changes: [
      {
        file: 'actors/engine/turn.ts',
        from: 'id: `timer:${name}:${generation}`,',
        to: 'id: `timer:${name}:${generation}:${Math.random()}`,',
      },
      {
        file: 'actors/engine/turn.ts',
        from: 'if (message.generation !== undefined && current',
        to: 'if (message.generation === -1 && current',
      },
      {
        file: 'actors/engine/timers.ts',
        from: 'await Promise.all(due.map(fire))',
        to: 'await Promise.all([...due, ...due].map(fire))',
      },
    ],
  },
  'lost-effects': {
    rule: 'effects-once',
    what: 'what a turn promises is not stored',
    changes: [{ file: ROUTINES, from: `where \${WON('r."actorId"')}`, to: 'where false' }],
  },
  'unsettled-effects': {
    rule: 'effects-once',
    what: 'an effect stays when its result has been taken',
    changes: [
      {
        file: ROUTINES,
        from: 'where effect.id = r.effect and',
        to: 'where effect.id = r.effect and false and',
      },
    ],
  },
  'other-money': {
    rule: 'money',
    what: 'a charge is booked with one minor unit less',
    changes: [
      {
        file: 'machines/payment-steps.ts',
        from: 'charged: context.amount.minor, card',
        to: 'charged: context.amount.minor - 1, card',
      },
    ],
  },
  'new-epoch': {
    rule: 'epoch',
    what: 'now and then a node takes the journal for another one',
    changes: [
      {
        file: 'persistence/journal.ts',
        from: 'floor: Number(floor),\n  epoch,',
        to: 'floor: Number(floor),\n  epoch: Math.random() < 0.05 ? crypto.randomUUID() : epoch,',
      },
    ],
  },
  'fall-silent': {
    rule: 'liveness',
    what: 'after twenty seconds a node takes nothing more',
    changes: [
      {
        file: 'actors/engine/engine.ts',
        from: 'if (inFlight >= limits.node)',
        to: 'if (process.uptime() > 20)',
      },
    ],
  },
  'give-up': {
    rule: 'no-exit',
    what: 'a promise that nobody waits for fails',
    changes: [
      {
        file: 'src/main.ts',
        from: 'stopOnSignals({ close }, logger, tell)',
        to: `stopOnSignals({ close }, logger, tell)\n  setTimeout(() => void Promise.reject(new Error('broken')), 8_000)`,
      },
    ],
  },
} satisfies Record<string, Broken>

export type BrokenName = keyof typeof builds
export const BROKEN: Readonly<Record<BrokenName, Broken>> = builds
export const BROKEN_NAMES = Object.keys(BROKEN) as BrokenName[]

/** What makes the nodes of a cluster a broken build. */
export const brokenBy = (name: BrokenName): Pick<ClusterOptions, 'nodeArguments' | 'environment'> => ({
  nodeArguments: ['--import', './test/chaos/broken/preload.ts'],
  environment: { LAUREL_TEST_BROKEN: name },
})
