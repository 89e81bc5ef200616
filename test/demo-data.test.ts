import { expect, it } from 'vitest'
import type { Message } from '../actors/engine/message.ts'
import { ADMIN_EMAIL, coordinatorEmail, LEARNER_EMAIL, mentorEmail } from '../src/demo/accounts.ts'
import { demoData } from '../src/demo/data.ts'
import { loadDemo } from '../src/demo/load.ts'
import type { LaurelServer } from '../src/server.ts'
import { days } from './support/clock.ts'
import { aServer } from './support/server.ts'

const PASSWORD = 'a password for the demo'

/** Thousands of turns, perhaps on a machine that is busy. */
const PATIENTLY = { timeout: 120_000 }

const rows = <Row>({ database }: LaurelServer, text: string) => database.sql.query<Row>({ name: '', text })

const countsOf = async (server: LaurelServer) => {
  const [counts] = await rows<Record<string, number | string>>(
    server,
    `select (select count(*) from organisation) as organisations, (select count(*) from user_account) as users,
      (select count(*) from user_role where role = 'coordinator') as coordinators,
      (select count(*) from mentor) as mentors, (select count(*) from certification) as certifications,
      (select count(*) from certification where jsonb_array_length(snapshot->'context'->'renewals') = 1) as renewed,
      (select count(*) from certification where status = 'suspended') as suspended,
      (select count(*) from price where active and currency = 'NGN') as prices,
      (select count(*) from price_change) as changes,
      (select count(*) from user_role where role = 'student') as learners,
      (select count(*) from user_role where role = 'instructor') as tutors,
      (select count(*) from journal where type in ('register', 'pause', 'issue', 'renew', 'suspend')) as commands`,
  )
  return Object.fromEntries(Object.entries(counts!).map(([name, count]) => [name, Number(count)]))
}

/** What must be there, whatever happened on the way. */
const expectedOf = (server: LaurelServer) => {
  const { mentors, certifications } = demoData(server.defaultOrgId, 0)
  const steps = [...mentors, ...certifications].flatMap((actor) => actor.steps)
  const count = (name: string) => steps.filter((step) => step.name === name).length
  return {
    organisations: 1,
    users: 209,
    coordinators: 6,
    mentors: 200,
    certifications: 600,
    renewed: count('renew'),
    suspended: count('suspend'),
    prices: 4,
    changes: 4,
    learners: 1,
    tutors: 1,
    commands: 800 + steps.length,
  }
}

/** Every status, mentors on hold, and something that expires within the hour on each board. */
const expectMovingBoards = async (server: LaurelServer) => {
  const statuses = await rows<{ status: string; count: string }>(
    server,
    `select status, count(*) as count from certification group by status`,
  )
  const counts = Object.fromEntries(statuses.map(({ status, count }) => [status, Number(count)]))
  expect(Object.keys(counts).toSorted()).toEqual(['expired', 'expiring_soon', 'suspended', 'valid'])
  expect(counts['valid']).toBeGreaterThan(300)
  for (const status of ['expired', 'expiring_soon']) expect(counts[status]).toBeGreaterThan(50)
  const boards = await rows<{ soon: string }>(
    server,
    `select count(*) filter (where expires_at between now() and now() + interval '1 hour') as soon
     from certification group by coordinator_id`,
  )
  expect(boards.map(({ soon }) => Number(soon) >= 2)).toEqual(Array(6).fill(true))
  await expect
    .poll(() => rows(server, `select id from mentor where not active`), { timeout: 10_000 })
    .not.toHaveLength(0)
}

const signIn = async ({ url }: LaurelServer, email: string, password: string) => {
  const response = await fetch(`${url}/api/auth/user/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  return response.status
}

it(
  'is one organisation with 6 coordinators, 200 mentors and 600 certifications, and twice is once',
  PATIENTLY,
  async () => {
    const server = await aServer()
    expect(await loadDemo(server, PASSWORD)).toBe(true)
    expect(await countsOf(server)).toEqual(expectedOf(server))
    await expectMovingBoards(server)

    const restarted = await server.restart()
    expect(await loadDemo(restarted, PASSWORD)).toBe(false)
    expect(await countsOf(restarted)).toEqual(expectedOf(server))

    for (const email of [ADMIN_EMAIL, LEARNER_EMAIL, coordinatorEmail(6), mentorEmail(200)])
      expect(await signIn(restarted, email, PASSWORD)).toBe(200)
    await loadDemo(restarted, 'another password')
    for (const email of [mentorEmail(1), LEARNER_EMAIL])
      expect(await signIn(restarted, email, 'another password')).toBe(200)
    expect(await signIn(restarted, mentorEmail(1), PASSWORD)).toBe(401)
  },
)

it('gets what a later version brought, and keeps what an administrator has changed', PATIENTLY, async () => {
  const server = await aServer()
  await loadDemo(server, PASSWORD)
  const { learner, offerings } = demoData(server.defaultOrgId, 0)
  // As a data folder of 0.1.0 was, but for one price.
  await rows(server, `delete from user_account where id = '${learner.id}'`)
  const [kept] = offerings
  await rows(server, `delete from price where offering_id <> '${kept!.offeringId}'`)
  await rows(server, `update price set amount_minor = 77700, active = false`)

  expect(await loadDemo(server, 'another password')).toBe(true)
  expect(await signIn(server, LEARNER_EMAIL, 'another password')).toBe(200)
  const prices = await rows<{ title: string }>(server, `select title from price where active`)
  expect(prices.map(({ title }) => title).toSorted()).toEqual(
    offerings.flatMap((offering) => (offering === kept ? [] : [offering.title])).toSorted(),
  )
  expect(await rows(server, `select title from price where amount_minor = 77700`)).toHaveLength(1)
  expect(await loadDemo(server, 'another password')).toBe(false)
})

it.each([150, 500])(
  'a load that ends after %d commands is completed by the next one',
  PATIENTLY,
  async (survived) => {
    const server = await aServer()
    let sent = 0
    const send = (message: Message) =>
      sent++ < survived ? server.engine.send(message) : Promise.reject(new Error('killed'))
    await expect(loadDemo({ ...server, engine: { ...server.engine, send } }, PASSWORD)).rejects.toThrow(
      'killed',
    )

    const restarted = await server.restart()
    restarted.clock.advance(days(2))
    expect(await loadDemo(restarted, PASSWORD)).toBe(true)
    expect(await countsOf(restarted)).toEqual(expectedOf(restarted))
  },
)
