import { expect, vi } from 'vitest'
import type { ServerOptions } from '../../src/server/options.ts'
import { days } from './clock.ts'
import { aServer, aTeam, connect, type TestServer } from './server.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
export const PATIENCE = { timeout: 300_000 }

const TABLES = [
  'certification',
  'mentor',
  'journal',
  'effect',
  'timer',
  'user_account',
  'session',
  'user_role',
]

/** All that a client could have written: the journal's head and the number of rows of every table. */
export const contentsOf = async ({ database }: TestServer) => {
  const counts = TABLES.map((table) => `(select count(*)::int from ${table}) as ${table}`)
  const [contents] = await database.sql.query<Record<string, unknown>>(
    {
      name: 'contents',
      text: `select (select position::int from journal_head) as head, ${counts.join(', ')}`,
    },
    [],
  )
  return contents
}

/** The same, when everything that was under way has happened. */
export const quiet = async (server: TestServer) => {
  await vi.waitFor(async () => expect(await contentsOf(server)).toMatchObject({ effect: 0 }), PATIENCE)
  return contentsOf(server)
}

/** A team with one certification, when all that follows from it has happened. */
export const aScene = async (options: Partial<ServerOptions> = {}) => {
  const server = await aServer(options)
  const team = await aTeam(server)
  const client = await connect(server, team.coordinator)
  const canary = await connect(server, team.admin)
  const issued = await client.call('certifications.issue', {
    mentorId: team.mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(-days(10)),
    expiresAt: server.clock.at(days(200)),
  })
  const before = await quiet(server)
  return {
    server,
    ...team,
    client,
    canary,
    certificationId: issued.id as string,
    issued,
    /** Everybody else is served, and nothing has been written. */
    expectUnharmed: async () => {
      expect(await canary.call('mentors.get', { id: team.mentorId })).toMatchObject({ ok: true })
      expect(await contentsOf(server)).toEqual(before)
    },
  }
}

export type Scene = Awaited<ReturnType<typeof aScene>>

export const refusal = (code: string) => ({ ok: false, error: { code, message: expect.any(String) } })

/** What comes back on the socket for one frame. */
export const ackOf = (frame: string) => JSON.parse(frame.slice(frame.indexOf('['))) as unknown[]
