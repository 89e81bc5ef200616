import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DueEffect } from '../actors/engine/effects.ts'
import type { EffectQueue } from '../src/queue/queue.ts'
import { aHandler, anEffectTable, eventually } from './support/effect-table.ts'
import { days } from './support/clock.ts'
import { run } from './support/program.ts'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import { aServer, aTeam } from './support/server.ts'

let redis: RedisServer
beforeAll(async () => {
  if (withRedis) redis = await startRedis()
})
afterAll(() => redis?.stop())
beforeEach(({ skip }) => (withRedis ? redis.flush() : skip('redis-server is not installed')))

/** Nodes that take their time with each effect, and what they have begun. */
const aHouse = async ({ takesMs = 20, concurrency = 10 } = {}) => {
  const table = await anEffectTable()
  const begun: { node: string; id: string; looked: boolean }[] = []
  const looked = new Set<string>()
  const node = (name = 'one', url = redis.url): EffectQueue => {
    const work = aHandler({
      concurrency,
      lookUp: async ({ id }) => {
        begun.push({ node: name, id, looked: true })
        looked.add(id)
        return 'not_done'
      },
      run: async (effect) => {
        if (!looked.delete(effect.id)) begun.push({ node: name, id: effect.id, looked: false })
        await wait(takesMs)
        return table.settle(effect)
      },
    })
    return table.node({ work }, { redisUrl: url, leaseMs: 4_000 })
  }
  return { ...table, node, begun, once: () => new Set(begun.map(({ id }) => id)).size === begun.length }
}

const isUp = (queue: EffectQueue) => eventually(() => queue.stats().mode).toBe('redis')
const isAway = (queue: EffectQueue) => eventually(() => queue.stats().mode).toBe('redis away')
/** Pushes them one after the other, as commits do. */
const trickle = async (queue: EffectQueue, effects: readonly DueEffect[], everyMs = 5) => {
  for (const effect of effects) {
    queue.push([effect])
    await wait(everyMs)
  }
}

describe('effects that Redis remembers', () => {
  it('run once each on whichever of two nodes has time, and the first needs no looking up', async () => {
    const { node, promise, begun, once, left } = await aHouse()
    const [one, two] = [node('one'), node('two')]
    await Promise.all([isUp(one), isUp(two)])
    one.push(await promise('work', 200))
    await eventually(left).toBe(0)
    expect([begun.length, once()]).toEqual([200, true])
    expect(new Set(begun.map((start) => start.node))).toEqual(new Set(['one', 'two']))
    expect(begun.some(({ looked }) => looked)).toBe(false)
    await eventually(() => redis.command('exists', 'laurel:work:wait', 'laurel:work:active')).toBe(0)
  })

  it('are not doubled by a sweep while they wait there', async () => {
    const { node, promise, begun, once, left } = await aHouse({ concurrency: 1, takesMs: 60 })
    const queue = node()
    await isUp(queue)
    queue.push(await promise('work', 30, 100))
    let most = 0
    while ((await left()) > 0) {
      most = Math.max(most, Number(await redis.command('llen', 'laurel:work:wait')))
      await wait(20)
    }
    expect([begun.length, once()]).toEqual([30, true])
    expect(begun.some(({ looked }) => looked)).toBe(false)
    expect(most).toBeLessThanOrEqual(30)
  })

  it('wait for a node that can carry them out', async () => {
    const { node, promise, row, left } = await aHouse()
    const queue = node()
    await isUp(queue)
    const [[other], mine] = [await promise('unheardOf', 1, 0), await promise('work', 1)]
    queue.push([other!, ...mine])
    await eventually(left).toBe(1)
    expect(await row(other!)).toMatchObject({ status: 'pending', attempts: 0, taken: 0 })
  })

  it('leave a backlog in the table, which is drained all the same', async () => {
    const { node, promise, begun, once, left } = await aHouse({ takesMs: 0 })
    await promise('work', 1_000, 0)
    const queue = node()
    let most = 0
    while ((await left()) > 0) {
      most = Math.max(most, Number(await redis.command('llen', 'laurel:work:wait')))
      await wait(50)
    }
    expect([begun.length, once()]).toEqual([1_000, true])
    expect(begun.some(({ looked }) => looked)).toBe(false)
    expect(most).toBeLessThan(100)
    expect(queue.stats().mode).toBe('redis')
  })

  it('are neither lost nor doubled when it forgets everything in the middle', async () => {
    const { node, promise, begun, once, left } = await aHouse()
    const [one, two] = [node('one'), node('two')]
    await Promise.all([isUp(one), isUp(two)])
    const pushing = trickle(one, await promise('work', 200, 1_000))
    for (let flushes = 0; flushes < 5; flushes++) {
      await wait(150)
      await redis.flush()
    }
    await pushing
    await eventually(left).toBe(0)
    expect([begun.length, once()]).toEqual([200, true])
    expect(begun.some(({ looked }) => looked)).toBe(false)
  })

  it('are not lost when it has kept no more of them than their names', async () => {
    const { node, promise, begun, once, left } = await aHouse()
    await isUp(node())
    const effects = await promise('work', 5, 1_000)
    for (const { id } of effects) await redis.command('hset', `laurel:work:${id}`, 'processedOn', '1')
    await eventually(left).toBe(0)
    expect([begun.length, once()]).toEqual([5, true])
  })

  it('are neither lost nor doubled when it is killed in the middle, and it is used when it is back', async () => {
    const { node, promise, begun, once, left, notes, failures } = await aHouse()
    const [one, two] = [node('one'), node('two')]
    await Promise.all([isUp(one), isUp(two)])
    const pushing = trickle(one, await promise('work', 300, 1_500))
    await wait(300)
    await redis.kill()
    await Promise.all([isAway(one), isAway(two)])
    await wait(500)
    await redis.restart()
    await pushing
    await eventually(left).toBe(0)
    expect([begun.length, once()]).toEqual([300, true])
    expect(begun.some(({ looked }) => looked)).toBe(false)
    await Promise.all([isUp(one), isUp(two)])
    one.push(await promise('work', 20))
    await eventually(left).toBe(0)
    expect(begun).toHaveLength(320)
    // Each of the two says each change once.
    expect(notes.filter((note) => note === 'Redis is back')).toHaveLength(2)
    expect(notes.filter((note) => note.startsWith('Redis is away'))).toHaveLength(2)
    expect(failures).toEqual([])
  })

  it('go on when it does not answer any more, and when it does so again', async () => {
    const { node, promise, begun, once, left } = await aHouse()
    const queue = node()
    await isUp(queue)
    const pushing = trickle(queue, await promise('work', 100, 1_500))
    await wait(100)
    redis.freeze()
    await pushing
    await isAway(queue)
    await eventually(left).toBe(0)
    redis.thaw()
    await isUp(queue)
    queue.push(await promise('work', 20))
    await eventually(left).toBe(0)
    expect([begun.length, once()]).toEqual([120, true])
  })
})

describe('without Redis from the start', () => {
  it('effects run in the process, and through Redis once it is there', async () => {
    const { node, promise, begun, left, notes } = await aHouse()
    await redis.kill()
    const queue = node()
    queue.push(await promise('work', 50))
    await eventually(left).toBe(0)
    expect(queue.stats().mode).toBe('redis away')
    await eventually(() => notes).toEqual([expect.stringMatching(/^Redis is away.*ECONNREFUSED/)])
    await redis.restart()
    await isUp(queue)
    queue.push(await promise('work', 50))
    await eventually(left).toBe(0)
    expect(begun).toHaveLength(100)
    expect(Number(await redis.command('get', 'laurel:work:id'))).toBe(50)
  })

  it('a stop ends soon, and waits for what runs', async () => {
    const { node, promise, left } = await aHouse({ takesMs: 200 })
    const queue = node('one', 'redis://127.0.0.1:1')
    queue.push(await promise('work', 5))
    await queue.stop()
    expect(await left()).toBe(0)
  })
})

describe('a server with Redis', () => {
  it('answers commands and lets actors hear of each other, whether it is there or not', async () => {
    const server = await aServer({ redisUrl: redis.url })
    const { mentorId, adminClient } = await aTeam(server)
    const issue = async () => {
      const dates = { issuedAt: server.clock.at(-days(1)), expiresAt: server.clock.at(days(200)) }
      const issued = await adminClient.call('certifications.issue', {
        mentorId,
        certType: 'first_aid',
        ...dates,
      })
      expect(issued).toMatchObject({ ok: true })
    }
    const heard = async () => {
      const { items } = (await adminClient.call('mentors.journal', { id: mentorId })).data
      return items.filter(({ cause }: { cause: string }) => cause === 'signal').length
    }
    await eventually(() => server.stats().effects.mode).toBe('redis')
    await issue()
    await eventually(heard).toBe(1)
    await redis.kill()
    await issue()
    await eventually(heard).toBe(2)
    expect(server.stats().effects.mode).toBe('redis away')
    await redis.restart()
    await eventually(() => server.stats().effects.mode).toBe('redis')
    await issue()
    await eventually(heard).toBe(3)
    expect(Number(await redis.command('get', 'laurel:tell:id'))).toBe(1)
  })
})

describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')('a node that is killed', () => {
  it('leaves what it had begun to another one, which looks it up', async () => {
    const { node, promise, begun, left, url } = await aHouse()
    const [effect] = await promise('work', 1, 0)
    const dying = run(['test/support/hanging-node.ts'], { DATABASE_URL: url!, REDIS_URL: redis.url })
    await dying.prints(new RegExp(`begun ${effect!.id}`))
    const other = node('other')
    await isUp(other)
    dying.signal('SIGKILL')
    await dying.exit
    expect(begun).toEqual([])
    await eventually(left).toBe(0)
    expect(begun).toEqual([{ node: 'other', id: effect!.id, looked: true }])
  })
})
