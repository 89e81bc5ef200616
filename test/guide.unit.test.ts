import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ROOT, run } from './support/program.ts'

const FOLDERS = ['contracts', 'machines', 'actors', 'persistence', 'src', 'test']
const FILES = ['package.json', 'tsconfig.json', 'vitest.config.ts']

/** The sources in a folder of their own, with the packages of this one. */
const aCopy = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-guide-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of [...FOLDERS, ...FILES])
    await cp(join(ROOT, name), join(folder, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Each block of code with the file that the line above it names, in the order of the guide. */
const blocksOf = (guide: string) =>
  [...guide.matchAll(/^\*\*(In )?`([^`]+)`\*\*[^\n]*(?:\n[^`\n]*)*\n```ts\n(.*?)^```$/gms)].map(
    ([, isAddition, path, code]) => ({ isAddition: isAddition !== undefined, path: path!, code: code! }),
  )

const edit = async (path: string, change: (text: string) => string) => {
  const before = await readFile(path, 'utf8')
  const after = change(before)
  expect(after).not.toBe(before)
  await writeFile(path, after)
}

it('docs/add-a-statechart.md is true to the letter', { timeout: 300_000 }, async () => {
  const guide = await readFile(join(ROOT, 'docs/add-a-statechart.md'), 'utf8')
  const blocks = blocksOf(guide)
  expect(blocks.map(({ path }) => path)).toEqual([
    'contracts/invitation.ts',
    'machines/invitation.ts',
    'actors/invitation.ts',
    'actors/registry.ts',
    'persistence/migrations/list.ts',
    'test/invitation.test.ts',
  ])
  const folder = await aCopy()
  for (const { isAddition, path, code } of blocks) {
    const file = join(folder, path)
    if (!isAddition) await writeFile(file, code, { flag: 'wx' })
    else if (path === 'actors/registry.ts')
      await edit(
        file,
        (text) => code + text.replace(/(AnyActorDefinition\[\] = \[[^\]]*?),?\s*\]/, '$1, invitation]'),
      )
    else await edit(file, (text) => text.replace(/\n\]\n$/, `\n${code}]\n`))
  }

  const types = run(['node_modules/typescript/bin/tsc', '-p', '.'], {}, { cwd: folder })
  expect([await types.exit, types.output()]).toEqual([0, ''])
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/invitation.test.ts']
  const tests = run(vitest, {}, { cwd: folder })
  expect([await tests.exit, tests.output()]).toEqual([0, expect.stringMatching(/Tests .*3 passed/)])
})
