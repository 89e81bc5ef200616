import { randomUUID } from 'node:crypto'
import { expect, vi } from 'vitest'
import { done } from './catalog-scene.ts'
import { aTeam, connect, type Client, type TestServer } from './server.ts'

export const PATIENCE = { timeout: 25_000, interval: 20 }

/** A team whose admin, coordinator and mentor are connected. */
export const aBadgeTeam = async (server: TestServer) => {
  const team = await aTeam(server)
  return {
    ...team,
    boss: team.adminClient,
    mentor: await connect(server, team.mentorUser),
    lead: await connect(server, team.coordinator),
  }
}

export const oneRule = (kind: string, value: number, of?: string) => ({
  match: 'all',
  rules: [{ kind, value, ...(of === undefined ? {} : { of }) }],
})

/** A badge under a name of its own; it can be earned unless the test says otherwise. */
export const aDefinition = async (
  boss: Client,
  { activated = true, ...others }: { activated?: boolean; [field: string]: unknown } = {},
): Promise<string> => {
  const { id } = await done(boss, 'badgeDefinitions.define', {
    name: `Badge ${randomUUID()}`,
    iconKey: 'star',
    description: 'For those who help',
    criteria: oneRule('recruiting_milestone', 1_000_000),
    ...others,
  })
  if (activated) await done(boss, 'badgeDefinitions.activate', { id })
  return id
}

/** Waits until the newest badge of somebody by this definition is in this state. */
export const badgeIs = (
  client: Client,
  of: { definitionId: string; recipientId: string },
  state: 'earned' | 'revoked' | 'absent',
) =>
  vi.waitFor(async () => {
    const items = [false, true].map(async (revoked) => {
      const { data } = await done(client, 'badges.list', { ...of, revoked })
      return data.items as { id: string; version: number; state: string; view: Record<string, never> }[]
    })
    const [live = [], gone = []] = await Promise.all(items)
    expect(live.length > 0 ? 'earned' : gone.length > 0 ? 'revoked' : 'absent').toBe(state)
    return { live, gone }
  }, PATIENCE)

/** Waits until everything that was promised has been done. */
export const quiet = ({ database }: Pick<TestServer, 'database'>) =>
  vi.waitFor(async () => {
    const behind = await database.sql.query<{ effects: number; behind: boolean }>({
      name: 'test_quiet',
      text: `select (select count(*)::int from effect where status = 'pending') as effects,
        exists (select from journal, journal_cursor as cursor where journal.position > cursor.position
          and actor_type in ('lesson', 'enrollment', 'notification')) as behind`,
    })
    expect(behind).toEqual([{ effects: 0, behind: false }])
  }, PATIENCE)
