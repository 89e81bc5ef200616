import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { verifyInvariants } from '../../persistence/doctor.ts'
import { startPooler, withPooler } from '../support/pooler.ts'
import { createDatabase } from '../support/postgres.ts'
import { aServer, aTeam, connect } from '../support/server.ts'

const PATIENCE = { timeout: 60_000 }

const behind = async (mode: 'session' | 'transaction') => {
  const { url, drop } = await createDatabase(inject('postgresUrl')!)
  onTestFinished(drop)
  return aServer({ database: { url: await startPooler(url, mode), poolSize: 5 } })
}

describe.runIf(withPooler && process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'F24 behind PgBouncer',
  () => {
    it('that pools sessions, two nodes do everything', PATIENCE, async () => {
      const server = await behind('session')
      const second = await server.another()
      const { coordinator, mentorId, orgId, admin } = await aTeam(server)
      const here = await connect(server, coordinator)
      const there = await connect(second, admin)
      expect(await there.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({ ok: true })
      const issue = (client: typeof here, certType: string, expiresInMs: number) =>
        client.call('certifications.issue', {
          mentorId,
          certType,
          issuedAt: server.clock.at(-1_000),
          expiresAt: server.clock.at(expiresInMs),
        })
      expect(await issue(here, 'first_aid', 500)).toMatchObject({ ok: true })
      for (let round = 0; round < 10; round++)
        for (const reply of await Promise.all([
          issue(here, `here_${round}`, 1e9),
          issue(there, `there_${round}`, 1e9),
        ]))
          expect(reply).toMatchObject({ ok: true })
      // A timer, an effect that carries its fact to the mentor, and the way from node to node.
      await there.next('mentor.held')
      const findings = await verifyInvariants(server.database)
      expect(findings.filter(({ rows }) => rows.length > 0)).toEqual([])
    })

    it('that pools transactions, the start is refused, and says what to do', PATIENCE, async () =>
      expect(behind('transaction')).rejects.toThrow(/single transactions; use session pooling/),
    )
  },
)
