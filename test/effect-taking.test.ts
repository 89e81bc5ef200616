import { describe, expect, it } from 'vitest'
import type { Claim } from '../actors/engine/effects.ts'
import { anEffectTable } from './support/effect-table.ts'

const MINUTE = 60_000

describe('beginning with an effect', () => {
  const aTakenTable = async () => {
    const table = await anEffectTable()
    const lease = (ms = MINUTE) => ({ now: table.clock.at(), until: table.clock.at(ms) })
    const claim = async (ms = MINUTE) => {
      const term = lease(ms)
      const [found] = await table.store.claim(term, { work: 1 }, ['work'])
      return found && { taken: found.taken, until: term.until }
    }
    const [effect] = await table.promise('work', 1, 0)
    const take = (own?: Claim) => table.store.take(effect!.id, lease(), own)
    return { ...table, effect: effect!, claim, take }
  }
  const first = { first: true }

  it('is for one of many who are reminded at the same time', async () => {
    const { claim, take } = await aTakenTable()
    const own = await claim()
    const taken = await Promise.all([take(), take(own), take(), take(own), take()])
    expect(taken.filter(Boolean)).toMatchObject([first])
  })

  it('is not for who has claimed what a reminder has begun', async () => {
    const { claim, take } = await aTakenTable()
    const own = await claim()
    expect(await take()).toMatchObject(first)
    expect(await take(own)).toBeUndefined()
  })

  it('is for who has claimed a later attempt, once, and for nobody with a reminder', async () => {
    const { store, clock, claim, take } = await aTakenTable()
    await store.postpone((await take())!, { nextAt: clock.at(), error: 'nobody knows', begun: true })
    const own = await claim()
    expect(await take()).toBeUndefined()
    expect(await take(own)).toMatchObject({ first: false, attempts: 1 })
    expect(await take(own)).toBeUndefined()
  })

  it('is for the last who has claimed it when a claim has run out', async () => {
    const { store, clock, claim, take } = await aTakenTable()
    await store.postpone((await take())!, { nextAt: clock.at(), error: 'too busy', begun: false })
    const early = await claim(1_000)
    clock.advance(2_000)
    const late = await claim()
    expect(await take(early)).toBeUndefined()
    expect(await take(late)).toMatchObject(first)
  })

  it('is not for who claimed it when the lease that had run out is renewed', async () => {
    const { store, clock, claim, take } = await aTakenTable()
    const begun = await take()
    clock.advance(2 * MINUTE)
    const own = await claim()
    await store.keep([begun!], clock.at(2 * MINUTE))
    expect(await take(own)).toBeUndefined()
  })

  it('waits for the backoff also when nothing has been done', async () => {
    const { store, clock, take } = await aTakenTable()
    await store.postpone((await take())!, { nextAt: clock.at(MINUTE), error: 'too busy', begun: false })
    expect(await take()).toBeUndefined()
    clock.advance(2 * MINUTE)
    expect(await take()).toMatchObject(first)
  })

  it('takes it from whoever was cut off for too long, who neither ends it nor keeps it any more', async () => {
    const { store, effect, clock, row, take } = await aTakenTable()
    const late = (await take())!
    clock.advance(2 * MINUTE)
    const now = (await take())!
    const held = await row(effect)
    await store.postpone(late, { nextAt: clock.at(), error: 'cut off', begun: true })
    expect(await store.bury(late, 'cut off', clock.at())).toBeUndefined()
    await store.keep([late], clock.at(5 * MINUTE))
    expect(await row(effect)).toEqual(held)

    await store.postpone(now, { nextAt: clock.at(), error: 'too busy', begun: false })
    const postponed = await row(effect)
    expect(postponed).toMatchObject({ attempts: 1, lastError: 'too busy' })
    await store.postpone(late, { nextAt: clock.at(MINUTE), error: 'cut off', begun: true })
    expect(await row(effect)).toEqual(postponed)
  })
})
