import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from './support/program.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/faults.md')

/** `file` “title”, “title” */
const NAMED = /`(test\/[\w./-]+\.test\.ts)`((?:,? “[^”]+”)*)/g

/** What the words of a line are followed by, in backticks: `chaos a, rule b` or `doctor c, d`. */
const namesAfter = (word: string) =>
  [...page.matchAll(new RegExp(`\\b${word} ((?:\`[\\w-]+\`(?:, )?)+)`, 'g'))].flatMap(([, list]) =>
    [...list!.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!),
  )

const labels = (letter: string, count: number) =>
  Array.from({ length: count }, (_, index) =>
    letter === 'F' ? `F${String(index + 1).padStart(2, '0')}` : `${letter}${index + 1}`,
  )

it('docs/faults.md names tests that there are', () => {
  const named = [...page.matchAll(NAMED)].flatMap(([, file, titles]) =>
    titles === ''
      ? [{ file: file!, title: '' }]
      : [...titles!.matchAll(/“([^”]+)”/g)].map(([, title]) => ({ file: file!, title: title! })),
  )
  expect(named.length).toBeGreaterThan(80)
  const missing = named.filter(
    ({ file, title }) => !existsSync(join(ROOT, file)) || !read(file).replaceAll(/\s+/g, ' ').includes(title),
  )
  expect(missing).toEqual([])
})

it('docs/faults.md names faults and rules of npm run chaos, and rules of npm run doctor, that there are', () => {
  const faults = read('test/chaos/faults.ts')
  const rules = read('test/kill/rules.ts')
  const invariants = globSync('persistence/doctor*.ts', { cwd: ROOT }).map(read).join()
  const isKey = (text: string) => (name: string) => new RegExp(`^ {2}'?${name}'?(:|,$)`, 'm').test(text)
  expect(namesAfter('chaos').filter((name) => !isKey(faults)(name))).toEqual([])
  expect(namesAfter('rules?').filter((name) => !isKey(rules)(name))).toEqual([])
  // Those of this name are one for each type of actor.
  const isInvariant = (name: string) =>
    name.startsWith('published_') || invariants.includes(`name: '${name}'`)
  expect(namesAfter('doctor').filter((name) => !isInvariant(name))).toEqual([])
})

it('docs/faults.md has a line for each fact, invariant and fault, and each says what holds it, or why nothing does', () => {
  const lines = new Map([...page.matchAll(/^\| (\w+) \|(.*)\|$/gm)].map(([, label, rest]) => [label!, rest!]))
  const wanted = [...labels('', 18), ...labels('I', 16), ...labels('F', 48)]
  const isEmpty = (label: string) => (lines.get(label)?.split('|').at(-1)?.trim() ?? '') === ''
  expect(wanted.filter(isEmpty)).toEqual([])
})
