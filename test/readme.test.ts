import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { settingNames } from '../src/config.ts'
import { DEMO_PASSWORD } from '../src/demo/accounts.ts'
import { loadDemo } from '../src/demo/load.ts'
import { ROOT, run } from './support/program.ts'
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
