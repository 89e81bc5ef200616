import { randomUUID } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { verifyInvariants } from '../persistence/doctor.ts'
import { days } from './support/clock.ts'
import { aServer, aTeam, connect, signIn, type TestServer } from './support/server.ts'

const turns = async ({ database }: TestServer, table: 'journal' | 'journal_archive') => {
  const rows = await database.sql.query<{ position: string | number }>({
    name: `positions_of_${table}`,
    text: `select position from ${table} order by position`,
  })
  return rows.map(({ position }) => Number(position))
}

const cursor = ({ database }: TestServer, text: string) =>
  database.sql.query<{ behind: boolean }>({ name: '', text })

/** Badges count what happens a little later. */
const isFollowed = (server: TestServer) =>
  vi.waitFor(
    async () =>
      expect(
        await cursor(
          server,
          `select cursor.position < head.position as behind from journal_cursor as cursor, journal_head as head`,
        ),
      ).toEqual([{ behind: false }]),
    { timeout: 25_000 },
  )

const aBusyServer = async (archive: boolean) => {
  const server = await aServer({ retention: { days: 30, archive, least: 5 } })
  const { adminClient, admin, mentorId } = await aTeam(server)
  for (let index = 0; index < 10; index++) {
    const [name, more] = index % 2 === 0 ? ['mentors.pause', { reason: 'x' }] : ['mentors.resume', {}]
    expect(await adminClient.call(name, { id: mentorId, ...more })).toMatchObject({ ok: true })
  }
  await isFollowed(server)
  return { server, admin, mentorId }
}

it('keeps every turn that is young, and the last positions however old they are', async () => {
  const { server } = await aBusyServer(true)
  const before = await turns(server, 'journal')
  expect(await server.trimJournal!()).toBe(0)
  expect(await turns(server, 'journal')).toEqual(before)

  server.clock.advance(days(31))
  const gone = await server.trimJournal!()
  expect(gone).toBe(before.length - 5)
  expect(await turns(server, 'journal')).toEqual(before.slice(gone))
  expect(await turns(server, 'journal_archive')).toEqual(before.slice(0, gone))
  expect(await server.trimJournal!()).toBe(0)
  expect((await verifyInvariants(server.database)).filter(({ rows }) => rows.length > 0)).toEqual([])
})

it('drops them when nobody wants an archive, and goes on', async () => {
  const { server, admin, mentorId } = await aBusyServer(false)
  server.clock.advance(days(31))
  expect(await server.trimJournal!()).toBeGreaterThan(0)
  expect(await turns(server, 'journal_archive')).toEqual([])
  const client = await connect(server, await signIn(server, admin.email))
  expect(await client.call('mentors.pause', { id: mentorId, reason: 'y' })).toMatchObject({ ok: true })
})

it('keeps every turn that badges have not counted, however old it is', async () => {
  const { server } = await aBusyServer(false)
  const before = await turns(server, 'journal')
  const [, second] = before
  // One that is held belongs to a node that has stopped in the middle.
  await cursor(
    server,
    `update journal_cursor set position = ${second}, holder = gen_random_uuid(),
      held_until = clock_timestamp() + interval '1 hour'`,
  )
  server.clock.advance(days(31))
  expect(await server.trimJournal!()).toBe(2)
  expect(await turns(server, 'journal')).toEqual(before.slice(2))

  await cursor(server, 'update journal_cursor set held_until = clock_timestamp()')
  await isFollowed(server)
  expect(await server.trimJournal!()).toBe(before.length - 7)
})

it('tells whoever asks for what has gone to start again, and gives the rest to the others', async () => {
  const { server, admin, mentorId } = await aBusyServer(true)
  const before = await turns(server, 'journal')
  server.clock.advance(days(31))
  const gone = await server.trimJournal!()
  const floor = before[gone - 1]!
  const client = await connect(server, await signIn(server, admin.email))
  const topics = [`mentor:${mentorId}`]
  expect(await client.subscribe({ topics, after: floor - 1 })).toMatchObject({
    ok: false,
    error: { code: 'resync_required' },
  })
  expect(await client.subscribe({ topics, after: floor })).toMatchObject({ ok: true })
  const last = before.at(-1)!
  await client.next('position', ({ position }) => position >= last)
  const positions = client.received
    .filter(([name]) => name.startsWith('mentor.'))
    .map(([, { position }]) => position)
  expect(positions).toEqual(before.filter((position) => position > floor))
})

it('archives whole turns: a column of the journal is one of the archive, in the same place', async () => {
  const { database } = await aServer()
  const columnsOf = (table: string) =>
    database.sql.query(
      {
        name: 'columns_of_table',
        // The places of columns that are gone are not counted: `select *` leaves them out.
        text: `select column_name, data_type, udt_name, is_nullable from information_schema.columns
          where table_schema = 'public' and table_name = $1 order by ordinal_position`,
      },
      [table],
    )
  const columns = await columnsOf('journal')
  expect(columns.length).toBeGreaterThan(10)
  expect(await columnsOf('journal_archive')).toEqual(columns)
})

it('gives an id that is taken to nobody else, also when the turn that took it has left the journal', async () => {
  const { server, admin, mentorId } = await aBusyServer(false)
  server.clock.advance(days(31))
  expect(await server.trimJournal!()).toBeGreaterThan(0)
  const client = await connect(server, await signIn(server, admin.email))
  const create = (id: string, name: string) => client.call('categories.create', { id, name })
  expect(await create(mentorId, 'Welding')).toMatchObject({ ok: false, error: { code: 'already_exists' } })
  expect(await create(randomUUID(), 'Welding')).toMatchObject({ ok: true })
})
