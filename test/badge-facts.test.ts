import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createJournalCursors } from '../persistence/journal-cursors.ts'
import { aBadgeTeam, aDefinition, badgeIs, oneRule, PATIENCE, quiet } from './support/badge-scene.ts'
import { aCourse, aTutor, done } from './support/catalog-scene.ts'
import { aDatabaseAddress } from './support/database.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { run } from './support/program.ts'
import { aServer, connect, type TestServer } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'

describe('what Laurel sees by itself', () => {
  const scene = enrollmentScene()
  let boss: ReturnType<typeof scene.people>['admin']['live']
  let learner: ReturnType<typeof scene.people>['payer']

  beforeEach(() => {
    boss = scene.people().admin.live
    learner = scene.people().payer
  })

  const isBadge = (definitionId: string, state: 'earned' | 'revoked' | 'absent') =>
    badgeIs(boss, { definitionId, recipientId: learner.id }, state)

  it('a course that is completed is a training, and none when the money has gone back', async () => {
    const offeringId = await scene.aCourse({ price: PRICE })
    const [moduleId] = await scene.modulesOf(offeringId, 'The only one')
    const definitionId = await aDefinition(boss, { criteria: oneRule('training_completion', 1, offeringId) })
    const { id, paymentId } = await scene.begun(offeringId)
    await done(learner.live, 'enrollments.recordProgress', { id, moduleId, progress: 1 })
    await scene.becomes(id, 'completed')
    await isBadge(definitionId, 'earned')

    await done(boss, 'payments.requestRefund', { id: paymentId, full: true, reason: 'was ill' })
    await scene.becomes(id, 'refunded')
    const { gone } = await isBadge(definitionId, 'revoked')
    expect(gone[0]!.view).toMatchObject({ revokeReason: 'criteria_no_longer_met' })
  })

  it('a lesson counts for whoever takes it and whoever gives it; a module that is done counts once', async () => {
    const taught = await aDefinition(boss, { criteria: oneRule('activity_count', 2, 'teaching') })
    const taken = await aDefinition(boss, { criteria: oneRule('activity_count', 2, 'lesson') })
    const worked = await aDefinition(boss, { criteria: oneRule('activity_count', 2, 'module') })
    const offeringId = await scene.aCourse()
    const [first, second] = await scene.modulesOf(offeringId, 'One', 'Two', 'Three')
    const { id } = await scene.begun(offeringId)
    await scene.lessons(id, { completed: 2, total: 3 })
    await isBadge(taken, 'earned')
    await badgeIs(boss, { definitionId: taught, recipientId: scene.tutor().id }, 'earned')

    const report = (moduleId: string | undefined, timeSpentSeconds: number) =>
      done(learner.live, 'enrollments.recordProgress', { id, moduleId, progress: 1, timeSpentSeconds })
    await report(first, 60)
    await report(first, 120)
    await quiet(scene.server())
    await isBadge(worked, 'absent')
    await report(second, 60)
    await isBadge(worked, 'earned')
  })

  it('what happened before there was a badge counts, too', async () => {
    const offeringId = await scene.aCourse()
    const [moduleId] = await scene.modulesOf(offeringId, 'The only one')
    const { id } = await scene.begun(offeringId)
    await done(learner.live, 'enrollments.recordProgress', { id, moduleId, progress: 1 })
    await scene.becomes(id, 'completed')
    await quiet(scene.server())
    await isBadge(await aDefinition(boss, { criteria: oneRule('training_completion', 1) }), 'earned')
  })
})

/** Somebody with a course to take, on whatever node. */
const aLearner = async (server: TestServer) => {
  const team = await aBadgeTeam(server)
  const teacher = await aTutor(server, { orgId: team.orgId, admin: team.boss })
  const takeCourse = async (client = team.mentor) => {
    const offeringId = await aCourse(teacher)
    const { data } = await done(teacher, 'offerings.setModules', {
      id: offeringId,
      modules: [{ title: 'One' }],
    })
    const { id } = await done(client, 'enrollments.enroll', { offeringId })
    await vi.waitFor(async () => {
      expect(await done(client, 'enrollments.get', { id })).toMatchObject({ state: 'active' })
    }, PATIENCE)
    await done(client, 'enrollments.recordProgress', { id, moduleId: data.modules[0].id, progress: 1 })
  }
  const activities = async (client = team.mentor) => {
    const { data } = await done(client, 'achievements.list')
    return (data.items[0]?.view ?? { trainings: 0, activities: 0 }) as {
      trainings: number
      activities: number
    }
  }
  return { ...team, takeCourse, activities }
}

const counts = (trainings: number) => ({ trainings, activities: trainings })

describe('the journal', () => {
  it('is read again from the beginning, and nothing counts twice', async () => {
    const server = await aServer()
    const { takeCourse, activities, boss, mentorId } = await aLearner(server)
    const definitionId = await aDefinition(boss, { criteria: oneRule('training_completion', 2) })
    await takeCourse()
    await takeCourse()
    const of = { definitionId, recipientId: mentorId }
    await badgeIs(boss, of, 'earned')
    await quiet(server)
    await server.database.sql.query({ name: 'test_rewind', text: 'update journal_cursor set position = 0' })
    await takeCourse()
    await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(3)), PATIENCE)
    await quiet(server)
    expect(await activities()).toMatchObject(counts(3))
    const { live, gone } = await badgeIs(boss, of, 'earned')
    expect([live.length, gone.length]).toEqual([1, 0])
  })

  it('is followed on from where it was after a restart', async () => {
    const server = await aServer()
    const { takeCourse, activities, mentorUser } = await aLearner(server)
    await takeCourse()
    await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(1)), PATIENCE)
    const again = await server.restart()
    const client = await connect(again, mentorUser)
    await vi.waitFor(async () => expect(await activities(client)).toMatchObject(counts(1)), PATIENCE)
    const [cursor] = await again.database.sql.query<{ position: string }>({
      name: 'test_cursor',
      text: 'select position from journal_cursor',
    })
    expect(Number(cursor!.position)).toBeGreaterThan(0)
  })
})

describe.runIf(isPostgres)('of several nodes', () => {
  const holderOf = async ({ database }: TestServer) =>
    (
      await database.sql.query<{ holder: string; held: boolean }>({
        name: 'test_holder',
        text: 'select holder, held_until > clock_timestamp() as held from journal_cursor',
      })
    )[0]

  it(
    'one follows the journal at a time, and when it stops another one goes on at once',
    { timeout: 60_000 },
    async () => {
      const one = await aServer()
      const { takeCourse, activities, mentorUser } = await aLearner(one)
      await takeCourse()
      await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(1)), PATIENCE)
      const first = await holderOf(one)
      const two = await one.another()
      const there = await connect(two, mentorUser)
      await takeCourse(there)
      await vi.waitFor(async () => expect(await activities(there)).toMatchObject(counts(2)), PATIENCE)
      expect((await holderOf(two))!.holder).toBe(first!.holder)

      await one.close()
      await (await aLearner(two)).takeCourse()
      await vi.waitFor(async () => {
        expect((await holderOf(two))!.holder).not.toBe(first!.holder)
        expect((await holderOf(two))!.held).toBe(true)
      }, PATIENCE)
    },
  )

  it(
    'another one takes over from a node that was killed, and nothing is lost or counted twice',
    { timeout: 60_000 },
    async () => {
      const server = await aServer()
      const cursors = createJournalCursors(server.database.sql)
      const { takeCourse, activities } = await aLearner(server)
      await takeCourse()
      await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(1)), PATIENCE)
      await quiet(server)
      // As a killed node leaves it: it holds the cursor, and has told some of what lies behind it.
      const killed = { holder: randomUUID(), leaseMs: 3_000 }
      await server.database.sql.query({
        name: 'test_release',
        text: `update journal_cursor set held_until = clock_timestamp() - interval '1 second'`,
      })
      expect(await cursors.take('badges', killed)).toEqual(expect.any(Number))
      await server.database.sql.query({ name: 'test_back', text: 'update journal_cursor set position = 0' })
      expect(await cursors.take('badges', { holder: randomUUID(), leaseMs: 1_000 })).toBeUndefined()
      await takeCourse()
      // Nobody else follows as long as it might be alive.
      expect((await holderOf(server))!.holder).toBe(killed.holder)
      expect(await activities()).toMatchObject(counts(1))
      await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(2)), PATIENCE)
      await quiet(server)
      expect(await activities()).toMatchObject(counts(2))
      // What the killed one would have said comes too late.
      expect(await cursors.move('badges', 1_000_000, killed)).toBe(false)
    },
  )

  it('another one takes over from a process that ends without a word', { timeout: 120_000 }, async () => {
    const { database, remove } = await aDatabaseAddress()
    onTestFinished(remove)
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'laurel-follower-'))
    onTestFinished(() => rm(DATA_DIR, { recursive: true, force: true }))
    // What follows here, follows elsewhere: this node has no worker.
    const gateway = await aServer({ database, roles: new Set(['gateway', 'scheduler']) })
    const DATABASE_URL = 'url' in database ? database.url : ''
    const settings = { PORT: '0', DATA_DIR, DATABASE_URL, LAUREL_DEMO: 'off' }
    const worker = run(['src/main.ts', '--roles=worker'], settings)
    await worker.prints(/Address +http:/)
    const { takeCourse, activities } = await aLearner(gateway)
    await takeCourse()
    await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(1)), PATIENCE)
    const first = await holderOf(gateway)

    worker.signal('SIGKILL')
    await worker.exit
    const { close } = await gateway.another({ database, roles: new Set(['worker']) })
    onTestFinished(close)
    await takeCourse()
    await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(2)), {
      timeout: 45_000,
      interval: 50,
    })
    expect((await holderOf(gateway))!.holder).not.toBe(first!.holder)
  })

  it(
    'two that are told to follow at the same moment count everything once',
    { timeout: 60_000 },
    async () => {
      const one = await aServer()
      const two = await one.another()
      onTestFinished(two.close)
      const { takeCourse, activities } = await aLearner(one)
      await Promise.all(Array.from({ length: 5 }, () => takeCourse()))
      const shake = setInterval(() => {
        void one.database.sql.query({
          name: 'test_shake',
          text: `update journal_cursor set held_until = clock_timestamp() - interval '1 second', position = 0`,
        })
      }, 40)
      onTestFinished(() => clearInterval(shake))
      await Promise.all(Array.from({ length: 5 }, () => takeCourse()))
      clearInterval(shake)
      await vi.waitFor(async () => expect(await activities()).toMatchObject(counts(10)), PATIENCE)
      await quiet(one)
      expect(await activities()).toMatchObject(counts(10))
    },
  )
})
