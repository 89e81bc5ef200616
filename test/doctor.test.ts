import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../persistence/database.ts'
import { verifyInvariants, type Finding } from '../persistence/doctor.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { migrate } from '../persistence/start-checks.ts'
import { aDefinition } from './support/badge-scene.ts'
import { done } from './support/catalog-scene.ts'
import { aDatabaseAddress } from './support/database.ts'
import { DEEDS } from './support/deeds.ts'
import { hears, moneyScene, naira, type Party } from './support/money-scene.ts'
import { run } from './support/program.ts'

const scene = moneyScene()
const { paid, reaches } = scene
let admin: Party

beforeEach(() => {
  ;({ admin } = scene.people())
})

/** Something of everything: timers that have fired and that are set, money and a badge that came and went, a price that changed. */
const aHistory = async () => {
  const { live } = admin
  const at = (ms: number) => scene.server().clock.at(ms)
  const mentor = await live.call('mentors.register', { userId: admin.id, coordinatorId: admin.id })
  for (const [certType, expiresInMs] of [
    ['first_aid', 800],
    ['cpr', 1e9],
  ] as const) {
    const fields = { mentorId: mentor.id, certType, issuedAt: at(-1e9), expiresAt: at(expiresInMs) }
    expect(await live.call('certifications.issue', fields)).toMatchObject({ ok: true })
  }
  for (const trackId of [randomUUID(), randomUUID()]) {
    const wish = { trackId, title: 'Mentoring', userId: scene.people().payer.id }
    const { id } = await live.call('certificates.issue', wish)
    await hears(admin, 'certificate.issued', id)
  }
  const definitionId = await aDefinition(live)
  const award = { definitionId, recipientId: mentor.id }
  const { id: mistaken } = await done(live, 'badges.award', award)
  await done(live, 'badges.revoke', { id: mistaken, reason: 'a mistake' })
  await done(live, 'badges.award', award)
  const paymentId = await paid()
  const asked = await live.call('payments.requestRefund', {
    id: paymentId,
    amount: naira(100_000),
    reason: 'goodwill',
  })
  expect(asked).toMatchObject({ ok: true })
  await hears(admin, 'payment.refundIssued', paymentId)
  const disputed = await paid()
  scene.paystack().openDispute(disputed, {})
  await hears(admin, 'payment.disputed', disputed)
  await reaches('payments', disputed, 'settled')
  await live.next('certification.expired')
  await scene.quiet()
}

const brokenOf = (findings: readonly Finding[]) =>
  findings.filter(({ rows }) => rows.length > 0).map(({ name }) => name)

class Undone extends Error {}

/** What the doctor finds after these statements, which are undone. */
const findingsAfter = async (statements: readonly string[]) => {
  let findings: Finding[] = []
  const undone = scene.server().database.transaction(async (em) => {
    for (const text of statements) await em.execute(text)
    const query = ({ text }: { text: string }) => em.execute(text) as Promise<never>
    findings = await verifyInvariants({
      sql: { ...scene.server().database.sql, consistently: (work) => work(query) },
    })
    throw new Undone()
  })
  await expect(undone).rejects.toThrow(Undone)
  return findings
}

describe('npm run doctor', () => {
  it(
    'finds nothing in a database with a history, and each contradiction in one with deeds',
    { timeout: 120_000 },
    async () => {
      await aHistory()
      expect(brokenOf(await verifyInvariants(scene.server().database))).toEqual([])

      const found: Record<string, string[]> = {}
      for (const [deed, { does }] of Object.entries(DEEDS)) found[deed] = brokenOf(await findingsAfter(does))
      const expected = Object.entries(DEEDS).map(([deed, { breaks }]) => [deed, breaks])
      expect(found).toEqual(Object.fromEntries(expected))
      // Each invariant can be broken.
      const names = (await verifyInvariants(scene.server().database)).map(({ name }) => name)
      const broken = new Set(Object.values(found).flat())
      expect(names.filter((name) => !broken.has(name) && !name.startsWith('published_'))).toEqual([])
    },
  )

  it('says so line by line, and ends with 1 when something is wrong', { timeout: 120_000 }, async () => {
    const { database: address, remove } = await aDatabaseAddress()
    onTestFinished(remove)
    const env = 'url' in address ? { DATABASE_URL: address.url } : { DATA_DIR: address.folder! }
    const examine = () => run(['src/doctor.ts'], env)
    const withDatabase = async (text: string) => {
      const database = await openDatabase(address, migrations)
      await migrate(database, migrations, { apply: true })
      await database.sql.query({ name: 'deed', text })
      await database.close()
    }
    await withDatabase('select 1')
    const healthy = examine()
    expect([await healthy.exit, healthy.output()]).toEqual([
      0,
      expect.stringMatching(/^ok {5} positions: [^]*All \d+ invariants hold\.\n$/),
    ])

    await withDatabase('update journal_head set position = 7')
    const broken = examine()
    expect(await broken.exit).toBe(1)
    expect(broken.output()).toMatch(
      /^BROKEN {2}head: .*\n +\{"head":"?7"?,"last":null\}$[^]*1 invariant\(s\) do not hold\.$/m,
    )
  })

  it('makes no database where there is none', { timeout: 120_000 }, async () => {
    const nowhere = run(['src/doctor.ts'], { DATA_DIR: '/tmp/laurel-nowhere' })
    expect([await nowhere.exit, nowhere.output()]).toEqual([
      1,
      'The database cannot be examined: there is no database in /tmp/laurel-nowhere\n',
    ])
  })
})
