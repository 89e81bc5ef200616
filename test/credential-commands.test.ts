import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatabaseOptions } from '../persistence/database.ts'
import { bakePng } from '../src/credentials/bake.ts'
import { medalPng } from '../src/credentials/picture.ts'
import { aCertificate, anIssuer, revoke, type Certificate, type Issuer } from './support/credential-scene.ts'
import { http } from './support/http.ts'
import { ROOT, run } from './support/program.ts'
import { aServer, type TestServer } from './support/server.ts'

/** Processes start, one after the other, perhaps on a machine that is busy. */
const PATIENTLY = { timeout: 120_000 }

/** A new key for the vault is known to all nodes before it is the first one. */
const OLD = { id: 'test', key: Buffer.alloc(32, 7) }
const NEW = { id: 'k2', key: Buffer.alloc(32, 8) }

const ends: (() => unknown)[] = []
let server: TestServer
let issuer: Issuer
let certificate: Certificate
let jws: string
let folder: string

beforeAll(async () => {
  server = await aServer({ vaultKeys: [OLD, NEW] }, (end) => ends.unshift(end))
  issuer = await anIssuer(server, (end) => ends.unshift(end))
  certificate = await aCertificate(issuer)
  jws = (await http(server)('GET', `/verify/l/${certificate.link}/credential/jwt`)).body
  folder = await mkdtemp(join(tmpdir(), 'laurel-credentials-'))
  ends.unshift(() => rm(folder, { recursive: true, force: true }))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const verify = async (...args: string[]) => {
  const program = run([join(ROOT, 'src/verify-credential.ts'), ...args])
  return { code: await program.exit, said: program.output() }
}

const file = async (name: string, content: string | Buffer) => {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describe('npm run verify-credential', () => {
  it('says whether a credential is valid, in words and by its exit code', PATIENTLY, async () => {
    const token = await file('certificate.jwt', jws)
    const good = await verify('--allow-loopback', token)
    expect(good.said).toMatch(/^VALID\n\n {2}Night shift & first aid\n {2}by Organisation /)
    expect(good.said).toContain('✓ status    the issuer has not revoked it')
    expect(good.code).toBe(0)
    const picture = await file('badge.png', bakePng(medalPng({ achievementId: 'x' }), jws))
    expect((await verify('--allow-loopback', picture)).code).toBe(0)
    const byAddress = await verify(
      '--allow-loopback',
      '--json',
      `${server.url}/verify/l/${certificate.link}/credential/svg`,
    )
    expect(JSON.parse(byAddress.said)).toMatchObject({
      verdict: 'valid',
      credential: { title: 'Night shift & first aid' },
    })
  })

  it('tells what is wrong from what cannot be found out', PATIENTLY, async () => {
    const token = await file('other.jwt', jws)
    const strict = await verify(token)
    expect(strict.said).toMatch(
      /^CANNOT BE VERIFIED[^]*\? proof +the key cannot be had: .*only https is fetched/,
    )
    expect(strict.code).toBe(2)
    const other = await aCertificate(issuer)
    const { body } = await http(server)('GET', `/verify/l/${other.link}/credential/jwt`)
    await revoke(issuer.boss, other.id)
    const revoked = await verify('--allow-loopback', await file('revoked.jwt', body))
    expect([revoked.code, revoked.said]).toEqual([1, expect.stringMatching(/^REVOKED by its issuer/)])
    const forged = await verify('--allow-loopback', await file('forged.jwt', jws.replace(/.....$/, 'AAAAA')))
    expect([forged.code, forged.said]).toEqual([1, expect.stringMatching(/^INVALID: do not trust it/)])
    for (const [args, words] of [
      [[], 'npm run verify-credential'],
      [[join(folder, 'nowhere')], 'ENOENT'],
      [['--unknown'], 'Unknown option'],
    ] as const)
      expect(await verify(...args)).toEqual({ code: 2, said: expect.stringContaining(words) })
  })
})

describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')('npm run rotate-credential-key', () => {
  it('lets another key sign at once, also on nodes that run, and spoils nothing', PATIENTLY, async () => {
    const { url } = server.databaseOptions as DatabaseOptions & { url: string }
    const rotate = run([join(ROOT, 'src/rotate-credential-key.ts')], {
      DATABASE_URL: url,
      LAUREL_ENCRYPTION_KEYS: [NEW, OLD].map(({ id, key }) => `${id}:${key.toString('base64')}`).join(','),
    })
    expect(await rotate.exit).toBe(0)
    const [, kid] = /signed with the key ([\w-]{43})\./.exec(rotate.output())!
    const { body } = await http(server)('GET', '/.well-known/jwks.json')
    expect(body.keys[0].kid).toContain(kid)
    const rows = await server.database.sql.query<{ sealed: string }>({
      name: 'test_sealed',
      text: `select private_key as sealed from credential_key where retired_at is null
        union all select sealed from credential_secret`,
    })
    expect(rows.map(({ sealed }) => sealed.slice(0, 6))).toEqual(['v1.k2.', 'v1.k2.'])
    const fresh = (await http(server)('GET', `/verify/l/${certificate.link}/credential/jwt`)).body as string
    expect(Buffer.from(fresh.split('.')[0]!, 'base64url').toString()).toContain(kid)
    const old = await file('old.jwt', jws)
    expect((await verify('--allow-loopback', old)).code).toBe(0)
  })

  it(
    'says that the new key signs, and what to do, when what is kept cannot be sealed anew',
    PATIENTLY,
    async () => {
      const { url } = server.databaseOptions as DatabaseOptions & { url: string }
      const rotate = run([join(ROOT, 'src/rotate-credential-key.ts')], {
        DATABASE_URL: url,
        LAUREL_ENCRYPTION_KEYS: `k3:${Buffer.alloc(32, 9).toString('base64')}`,
      })
      expect(await rotate.exit).toBe(1)
      const [, kid] = /signed with the key ([\w-]{43})\.\n/.exec(rotate.output())!
      const { body } = await http(server)('GET', '/.well-known/jwks.json')
      expect(body.keys[0].kid).toContain(kid)
      expect(rotate.output()).toContain('could not be sealed anew: sealed with a key that is not here: k2.\n')
      expect(rotate.output()).toMatch(/LAUREL_ENCRYPTION_KEYS has to go on naming[^]*run this again/)
      expect(rotate.output()).not.toContain('was not replaced')
    },
  )
})
