import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { DueEffect } from '../actors/engine/effects.ts'
import type { EffectHandler, EffectOutcome } from '../src/effects/handler.ts'
import { aHandler, anEffectTable, cutOff, eventually } from './support/effect-table.ts'

const MINUTE = 60_000
const never = () => new Promise<EffectOutcome>(() => {})

it('a failed attempt is tried again after its backoff, until none is left', async () => {
  const { clock, node, promise, row } = await anEffectTable()
  const starts: number[] = []
  const run = async () => {
    starts.push(clock.now())
    return { retry: `no ${starts.length}` }
  }
  const queue = node({ work: aHandler({ run, backoffMs: (attempts) => MINUTE * 10 ** attempts }) })
  const [effect] = await promise('work')
  queue.push([effect!])
  await eventually(() => row(effect!)).toMatchObject({ attempts: 1, lastError: 'no 1' })
  clock.advance(0.4 * MINUTE)
  await wait(200)
  expect(starts).toHaveLength(1)
  clock.advance(0.6 * MINUTE)
  await eventually(() => row(effect!)).toMatchObject({ attempts: 2, lastError: 'no 2' })
  clock.advance(4 * MINUTE)
  await wait(200)
  expect(starts).toHaveLength(2)
  clock.advance(6 * MINUTE)
  await eventually(() => row(effect!)).toMatchObject({ status: 'dead', attempts: 3, lastError: 'no 3' })
  expect(queue.stats().lanes['work']).toMatchObject({ retried: 2, dead: 1, done: 0 })
})

it('a run that takes too long is aborted, and has failed even when it does not end', async () => {
  const { node, promise, row } = await anEffectTable()
  let aborted = false
  const run = (_: unknown, signal: AbortSignal) => {
    signal.addEventListener('abort', () => (aborted = true))
    return never()
  }
  const queue = node({ work: aHandler({ run, attempts: 1, timeoutMs: 50 }) })
  const [effect] = await promise('work')
  queue.push([effect!])
  await eventually(() => aborted).toBe(true)
  await eventually(() => row(effect!)).toMatchObject({ status: 'dead', lastError: 'took longer than 50 ms' })
})

it('what an attempt may have done is looked up before the next one, and not before the first', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  const calls: string[] = []
  const queue = node({
    work: aHandler({
      run: async () => {
        calls.push('run')
        throw new Error('nobody knows')
      },
      lookUp: async (effect) => {
        calls.push('lookUp')
        return calls.length < 4 ? 'not_done' : settle(effect)
      },
    }),
  })
  queue.push(await promise('work'))
  await eventually(left).toBe(0)
  expect(calls).toEqual(['run', 'lookUp', 'run', 'lookUp'])
})

it('what a node may have done that died is looked up by the one that takes over', async () => {
  const { store, node, promise, settle, left } = await anEffectTable()
  const calls: string[] = []
  const lookUp = async () => 'not_done' as const
  const dying = aHandler({ lookUp, run: () => (calls.push('begun'), never()), timeoutMs: 100 })
  const [effect] = await promise('work', 1, 300)
  // Its attempt ends nowhere: neither the lease nor the outcome reaches the database.
  const dead = { ...cutOff(store), claim: async () => [], postpone: async () => {} }
  node({ work: dying }, { store: dead, leaseMs: 1_000 }).push([effect!])
  await eventually(() => calls).toEqual(['begun'])
  node({
    work: aHandler({
      lookUp: async (found) => (calls.push('lookUp'), settle(found)),
      run: async (found) => (calls.push('run'), settle(found)),
    }),
  })
  await eventually(left).toBe(0)
  expect(calls).toEqual(['begun', 'lookUp'])
})

it('what merely waited is not looked up, however many nodes have claimed it and for how long', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  const begun: string[] = []
  const slow = aHandler({
    concurrency: 2,
    lookUp: async (effect) => (begun.push(`looked up ${effect.id}`), 'not_done'),
    run: async (effect) => {
      begun.push(effect.id)
      await wait(100)
      return settle(effect)
    },
  })
  const one = node({ work: slow }, { leaseMs: 2_000 })
  node({ work: slow }, { leaseMs: 2_000 })
  const effects = await promise('work', 100, 100)
  one.push(effects)
  await eventually(left).toBe(0)
  expect(begun.toSorted()).toEqual(effects.map(({ id }) => id).toSorted())
})

it('what has certainly done nothing is not looked up, on whichever node it is tried again', async () => {
  const { clock, node, promise, settle, left } = await anEffectTable()
  const calls: string[] = []
  const handlerOf = (name: string, run: EffectHandler['run']) => {
    const lookUp = async () => (calls.push(`${name} looks`), 'not_done' as const)
    const told: EffectHandler['run'] = (effect, signal) => (calls.push(`${name} runs`), run(effect, signal))
    return aHandler({ attempts: 10, lookUp, run: told })
  }
  const busy = handlerOf('one', async () => ({ retry: 'too busy', begun: false }))
  const one = node({ work: { ...busy, backoffMs: () => MINUTE } })
  one.push(await promise('work'))
  await eventually(() => one.stats().lanes['work']).toMatchObject({ retried: 1 })
  await one.stop()
  clock.advance(MINUTE)
  const outcomes = [{ retry: 'nobody knows' }, { retry: 'too busy', begun: false }] as const
  let runs = 0
  node({ work: handlerOf('two', async (effect) => outcomes[runs++] ?? settle(effect)) })
  await eventually(left).toBe(0)
  const again = ['two looks', 'two runs']
  // What the second one has begun stays unknown, whatever happens to those after it.
  expect(calls).toEqual(['one runs', 'two runs', ...again, ...again])
})

it.each([
  ['nothing', {}],
  ['something', { lookUp: async () => 'not_done' as const }],
])('a lane where %s is looked up goes on with what it has claimed', async (_, looking) => {
  const { node, promise, settle, left } = await anEffectTable()
  await promise('work', 16, 0)
  const run = async (effect: DueEffect) => (await wait(200), settle(effect))
  // Half of them wait for longer than their lease, and no other sweep comes by to find them again.
  node({ work: aHandler({ concurrency: 1, run, ...looking }) }, { leaseMs: 1_500, sweepMs: MINUTE })
  await eventually(left).toBe(0)
})

it('what waited for so long that another node took it is not begun', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  const begun: string[] = []
  const release = Promise.withResolvers<void>()
  const slow = aHandler({
    concurrency: 1,
    run: async (effect) => {
      begun.push(`one ${effect.version}`)
      await release.promise
      return settle(effect)
    },
  })
  const one = node({ work: slow }, { leaseMs: 1_000, sweepMs: MINUTE })
  one.push(await promise('work', 2, 500))
  await eventually(() => begun).toEqual(['one 1'])
  const taken = aHandler({ run: async (effect) => (begun.push(`two ${effect.version}`), never()) })
  node({ work: taken }, { leaseMs: MINUTE })
  await eventually(() => begun).toEqual(['one 1', 'two 2'])
  release.resolve()
  await eventually(left).toBe(1)
  await wait(200)
  expect(begun).toEqual(['one 1', 'two 2'])
  await eventually(() => one.stats().lanes['work']).toMatchObject({ running: 0, waiting: 0 })
})

it('a lane that is stuck holds up no other', async () => {
  const { node, promise, settle } = await anEffectTable()
  const queue = node({
    stuck: aHandler({ concurrency: 2 }),
    quick: aHandler({ run: settle, concurrency: 2 }),
  })
  const [stuck, quick] = [await promise('stuck', 100), await promise('quick', 100)]
  queue.push(stuck.flatMap((effect, index) => [effect, quick[index]!]))
  await eventually(() => queue.stats().lanes['quick']).toMatchObject({ done: 100, waiting: 0 })
  expect(queue.stats().lanes['stuck']).toMatchObject({ running: 2, waiting: 98, done: 0 })
})

it('a backlog is drained without a pause, and few of it wait in memory', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  await promise('work', 5_000, 0)
  const begun = new Map<string, number>()
  let waiting = 0
  const run = aHandler({
    concurrency: 50,
    run: async (effect) => {
      begun.set(effect.id, (begun.get(effect.id) ?? 0) + 1)
      waiting = Math.max(waiting, queue.stats().lanes['work']!.waiting)
      return settle(effect)
    },
  })
  // A sweep in a minute would take hours.
  const queue = node({ work: run }, { sweepMs: MINUTE })
  await eventually(left).toBe(0)
  expect([begun.size, Math.max(...begun.values())]).toEqual([5_000, 1])
  expect(waiting).toBeLessThanOrEqual(256)
})

it('more than a thousand of a kind do not wait in memory', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  const release = Promise.withResolvers<void>()
  const queue = node({
    work: aHandler({
      run: async (effect) => {
        await release.promise
        return settle(effect)
      },
    }),
  })
  queue.push(await promise('work', 1_500, 1_000))
  expect(queue.stats().lanes['work']).toMatchObject({ running: 10, waiting: 1_000 })
  release.resolve()
  await eventually(left).toBe(0)
})

it('a handler may say by itself that no attempt is left', async () => {
  const { node, promise, settle, left } = await anEffectTable()
  const reasons: string[] = []
  const queue = node({
    work: aHandler({
      attempts: 2,
      run: async () => ({ retry: 'not now' }),
      exhausted: async (effect, reason) => {
        reasons.push(reason)
        // Saying so may fail as well.
        return reasons.length < 3 ? { retry: 'nobody listens' } : settle(effect)
      },
    }),
  })
  queue.push(await promise('work'))
  await eventually(left).toBe(0)
  expect(reasons).toEqual(['not now', 'no attempt is left', 'no attempt is left'])
  expect(queue.stats().lanes['work']).toMatchObject({ done: 1, dead: 0 })
})

it('an effect that this node cannot carry out waits for one that can', async () => {
  const { node, promise, settle, row, left } = await anEffectTable()
  const [effect] = await promise('unheardOf', 1, 0)
  const queue = node({})
  queue.push([effect!])
  await wait(200)
  expect(await row(effect!)).toMatchObject({ status: 'pending', attempts: 0, taken: 0 })
  expect(queue.stats().lanes).toEqual({})
  node({ unheardOf: aHandler({ run: settle }) })
  await eventually(left).toBe(0)
})

it('a stop waits for what runs, and cuts off what does not end', async () => {
  const { node, promise, settle, row, left } = await anEffectTable()
  const options = { patienceMs: 300, sweepMs: MINUTE }
  const runs = {
    quick: aHandler({ run: async (effect) => (await wait(150), settle(effect)) }),
    stuck: aHandler(),
  }
  const queue = node(runs, options)
  const [[quick], [stuck]] = [await promise('quick'), await promise('stuck')]
  queue.push([quick!, stuck!])
  await queue.stop()
  expect(await left()).toBe(1)
  // It may go on at once elsewhere, and that was no attempt.
  expect(await row(stuck!)).toMatchObject({ status: 'pending', attempts: 0 })
  node({ stuck: aHandler({ run: settle }) })
  await eventually(left).toBe(0)
})
