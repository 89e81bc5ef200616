import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { verifyInvariants } from '../../persistence/doctor.ts'
import { startPostgres } from '../support/postgres.ts'
import { aServer, aTeam, connect } from '../support/server.ts'

const SIZE = '128m'
const POLL = { timeout: 40_000, interval: 100 }

/** A small disk of its own, where this machine lets us have one: that takes root, and a kernel that is not shared. */
const aSmallDisk = () => {
  const folder = mkdtempSync(join(tmpdir(), 'laurel-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0755`, 'tmpfs', folder])
  return mounted.status === 0 ? folder : undefined
}

/** PostgreSQL writes while we do, so what was free a moment ago may be taken: up to the last byte, or to the refusal. */
const fill = async (folder: string, ballast: string) => {
  const { bavail, bsize } = await statfs(folder)
  await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOSPC') throw error
  })
}

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'F21 a full disk: commands are refused, what is stored is read, and there is nothing to restart when there is room',
  { timeout: 90_000 },
  async ({ skip }) => {
    const folder = aSmallDisk() ?? skip('a disk that can be filled takes root')
    onTestFinished(async () => {
      spawnSync('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    })
    vi.stubEnv('TMPDIR', folder)
    const postgres = await startPostgres({ fsync: false })
    vi.unstubAllEnvs()
    onTestFinished(postgres.stop)
    const server = await aServer({ database: { url: postgres.url, poolSize: 5 } })
    const { mentorId, coordinator } = await aTeam(server)
    const client = await connect(server, coordinator)
    let count = 0
    const issue = () =>
      client.call('certifications.issue', {
        mentorId,
        certType: `type_${count++}`,
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(1e9),
      })
    const { id } = await issue()

    const ballast = join(folder, 'ballast')
    await fill(folder, ballast)
    const refused = await vi.waitFor(async () => {
      const replies = await Promise.all(Array.from({ length: 50 }, issue))
      const failure = replies.find(({ ok }) => !ok)
      expect(failure).toBeDefined()
      return failure
    }, POLL)
    expect(refused).toMatchObject({ error: { code: 'overloaded' } })
    expect(await client.call('certifications.get', { id })).toMatchObject({ ok: true })

    await truncate(ballast)
    await vi.waitFor(async () => expect(await issue()).toMatchObject({ ok: true }), POLL)
    const findings = await verifyInvariants(server.database)
    expect(findings.filter(({ rows }) => rows.length > 0)).toEqual([])
  },
)
