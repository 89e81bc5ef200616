import { afterAll, beforeAll, beforeEach } from 'vitest'
import { days } from './clock.ts'
import { http, type Http } from './http.ts'
import { aServer, aTeam, type TestServer } from './server.ts'

export type RestScene = {
  server: TestServer
  team: Awaited<ReturnType<typeof aTeam>>
  asAdmin: Http
  asCoordinator: Http
  aCertificate: () => { mentorId: string; certType: string; issuedAt: string; expiresAt: string }
  issue: () => Promise<{ id: string; version: number }>
}

/** One server for a whole test file, and for each test an organisation of its own. */
export const restScene = (arrive: (scene: RestScene) => void): void => {
  const ends: (() => Promise<void>)[] = []
  let server: TestServer
  beforeAll(async () => {
    server = await aServer({}, (end) => ends.unshift(end))
  })
  afterAll(async () => {
    for (const end of ends) await end()
  })
  beforeEach(async () => {
    const team = await aTeam(server)
    const asCoordinator = http(server, team.coordinator)
    const aCertificate = () => ({
      mentorId: team.mentorId,
      certType: 'first_aid',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(100)),
    })
    arrive({
      server,
      team,
      asAdmin: http(server, team.admin),
      asCoordinator,
      aCertificate,
      issue: async () => {
        const { body } = await asCoordinator('POST', '/api/v1/certifications', { body: aCertificate() })
        return body.data
      },
    })
  })
}
