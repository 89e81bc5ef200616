import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { settingNames } from '../src/config.ts'
import { DEMO_PASSWORD } from '../src/demo/accounts.ts'
import { loadDemo } from '../src/demo/load.ts'
import { aDatabaseAddress } from './support/database.ts'
import { ROOT, run } from './support/program.ts'
import { answer, aScriptedServer, success, type Line } from './support/scripted-server.ts'
import { aServer } from './support/server.ts'

const PATIENTLY = { timeout: 120_000 }

const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

/** A folder with the packages of this one. */
const aFolder = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-readme-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

it('the script of README.md is short and runs, and so does npm run demo', PATIENTLY, async () => {
  const [, script = ''] = /```js\n(.*?)```/s.exec(readme) ?? []
  expect(script.trimEnd().split('\n').length).toBeLessThan(30)
  const server = await aServer()
  await loadDemo(server, DEMO_PASSWORD)
  const folder = await aFolder()
  await writeFile(join(folder, 'first.mjs'), script)

  const first = run(['first.mjs'], { LAUREL_URL: server.url }, { cwd: folder })
  expect(await first.exit).toBe(0)
  expect(first.output()).toMatch(
    /^issued \S+: expiringSoon, next allowed: .*\npushed: night_shift expired at \S+Z\n$/,
  )

  const demo = run(['src/demo.ts'], { LAUREL_URL: server.url })
  expect(await demo.exit).toBe(0)
  const story = ['certification.renewed', 'certification.issued', 'certification.expired', 'mentor.held']
  const pushes = [...demo.output().matchAll(/pushed {2}(\S+)/g)].map(([, type]) => type)
  expect(pushes.filter((type) => story.includes(type!))).toEqual([...story, 'certification.renewed'])
  expect(pushes.at(-1)).toBe('mentor.released')
  expect(demo.output()).toContain('What you have seen:')
})

it('npm run demo -- payment shows a payment and a refund of a started product', PATIENTLY, async () => {
  const { database, remove } = await aDatabaseAddress()
  onTestFinished(remove)
  const settings = 'url' in database ? { DATABASE_URL: database.url } : { DATA_DIR: database.folder! }
  const DATA_DIR = await mkdtemp(join(tmpdir(), 'laurel-readme-'))
  onTestFinished(() => rm(DATA_DIR, { recursive: true, force: true }))
  const laurel = run(['src/main.ts'], { PORT: '0', DATA_DIR, ...settings })
  const [, url = ''] = await laurel.prints(/Address +(http:\S+)/)
  await laurel.prints(/npm run demo -- payment\n +Stop/)
  const pay = (...flags: string[]) => run(['src/demo.ts', 'payment', ...flags], { LAUREL_URL: url })

  // Somebody leaves without paying, and the next run pays.
  const left = pay()
  await left.prints(/Open this page in a browser, and pay:\n +http:\S+\/checkout\/\w+\n/)
  left.signal('SIGKILL')
  await left.exit
  const demo = pay('--pay')
  expect([await demo.exit, demo.output()]).toEqual([0, expect.stringContaining('What you have seen:')])
  const pushes = [...demo.output().matchAll(/pushed {2}(\S+)/g)].map(([, type]) => type!)
  const story = [
    'payment.cancelled',
    'payment.initiated',
    'payment.checkoutReady',
    'payment.verifying',
    'payment.settled',
    'payment.refundRequested',
    'refund.processed',
    'payment.refundIssued',
  ]
  expect(pushes.filter((type) => story.includes(type))).toEqual(story)
  expect(demo.output()).toMatch(/payment\.refundIssued +charged 7,500\.00, .* refunded 1,875\.00 NGN/)

  for (let other = 1; other <= 3; other++) expect(await pay('--pay').exit).toBe(0)
  const last = pay('--pay')
  expect(await last.exit).toBe(1)
  expect(last.output()).toContain('Everything is paid for by now.')
})

it(
  'npm run demo -- badge shows a badge that is earned and taken back, as often as it is run',
  PATIENTLY,
  async () => {
    const server = await aServer()
    await loadDemo(server, DEMO_PASSWORD)
    for (let times = 0; times < 2; times++) {
      const demo = run(['src/demo.ts', 'badge'], { LAUREL_URL: server.url })
      expect([await demo.exit, demo.output()]).toEqual([0, expect.stringContaining('What you have seen:')])
      const pushes = [...demo.output().matchAll(/pushed {2}(\S+)/g)].map(([, type]) => type!)
      expect(pushes.slice(0, 3)).toEqual(['badge.earned', 'notification.created', 'badge.revoked'])
      expect(demo.output()).toContain('10 of 10 answers are that badge')
    }
  },
)

it('npm run demo -- payment --pay never presses a page that is not the simulator’s', PATIENTLY, async () => {
  const provider = await aScriptedServer()
  const openPage: Line = (...exchange) => {
    const { reference } = provider.asked[0]!.body as { reference: string }
    success({ authorization_url: `${provider.url}/page`, access_code: 'code', reference })(...exchange)
  }
  provider.say(openPage, answer(200, 'Paystack Checkout'))
  const server = await aServer({ paystack: { secretKey: 'sk_test_demonstration', url: provider.url } })
  await loadDemo(server, DEMO_PASSWORD)

  const demo = run(['src/demo.ts', 'payment', '--pay'], { LAUREL_URL: server.url })
  expect(await demo.exit).toBe(1)
  expect(demo.output()).toMatch(/pushed {2}payment\.cancelled[^]*--pay works with the simulator only/)
  expect(provider.asked.filter(({ path }) => path === '/page').map(({ method }) => method)).toEqual(['GET'])
})

it('npm run demo -- certificate shows one that is issued, suspended and revoked', PATIENTLY, async () => {
  const server = await aServer()
  await loadDemo(server, DEMO_PASSWORD)
  const TMPDIR = await aFolder()
  const demo = run(['src/demo.ts', 'certificate'], { LAUREL_URL: server.url, TMPDIR })
  expect([await demo.exit, demo.output()]).toEqual([0, expect.stringContaining('What you have seen:')])
  const pushes = [...demo.output().matchAll(/pushed {2}(certificate\S+)/g)].map(([, type]) => type!)
  expect(pushes).toEqual([
    'certificate.issued',
    'certificate.suspended',
    'certificate.reinstated',
    'certificate.revoked',
  ])
  expect(demo.output()).toContain('and find the same one')
  const [, file = ''] = /document: +(\S+\.pdf)/.exec(demo.output()) ?? []
  expect((await readFile(file)).subarray(0, 5).toString()).toBe('%PDF-')
})

it('npm run demo says what there is', async () => {
  for (const args of [['--pay'], ['badge', '--pay'], ['payments'], ['payment', 'twice'], ['--help']]) {
    const demo = run(['src/demo.ts', ...args])
    expect([await demo.exit, demo.output()]).toEqual([
      1,
      expect.stringMatching(/^There is npm run demo, .*\n$/),
    ])
  }
})

it('npm run demo says what is missing', async () => {
  const alone = run(['src/demo.ts'], { LAUREL_URL: 'http://127.0.0.1:1' })
  expect(await alone.exit).toBe(1)
  expect(alone.output()).toMatch(
    /^Nobody answers at http:\/\/127\.0\.0\.1:1\. Start Laurel with `npm start`.*\n$/,
  )

  const { url } = await aServer()
  const empty = run(['src/demo.ts'], { LAUREL_URL: url })
  expect(await empty.exit).toBe(1)
  expect(empty.output()).toMatch(/^coordinator1@demo\.laurel\.test cannot sign in .* no demo data.*\n$/)
})

it('README.md lists every setting', () => {
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name!)
  expect(listed.toSorted()).toEqual(settingNames.toSorted())
})

it('README.md names files and scripts that exist', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  const linked = [...readme.matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)].map(([, path]) => path!)
  expect(linked.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})
