import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BROKEN } from './chaos/broken/list.ts'
import { faults } from './chaos/faults.ts'
import { RULES } from './kill/rules.ts'

const ROOT = join(import.meta.dirname, '..')
const document = readFileSync(join(ROOT, 'docs/chaos.md'), 'utf8')

/** The cells of every table row whose first cell is code. */
const rows = [...document.matchAll(/^\| `([\w-]+)` *\|(.*)\|$/gm)].map(([, name, rest]) => ({
  name: name!,
  cells: rest!.split('|').map((cell) => cell.trim()),
}))
const rowOf = (name: string) => rows.find((row) => row.name === name)?.cells

const builds = Object.entries(BROKEN)

it.each(builds)('the broken build %s still finds what it breaks, once', (_, { changes }) => {
  for (const { file, from } of changes) {
    const times = readFileSync(join(ROOT, file), 'utf8').split(from).length - 1
    expect({ file, from, times }).toEqual({ file, from, times: 1 })
  }
})

it('each rule has a broken build that has to break it', () => {
  expect(Object.keys(RULES).toSorted()).toEqual([...new Set(builds.map(([, { rule }]) => rule))].toSorted())
})

it('docs/chaos.md lists the rules as the checker knows them', () => {
  const stated = Object.keys(RULES).map((rule) => [rule, rowOf(rule)?.[0]])
  expect(Object.fromEntries(stated)).toEqual(RULES)
})

it('docs/chaos.md lists the broken builds, each with the rule that it was seen to break', () => {
  const stated = builds.map(([name]) => [name, rowOf(name)])
  expect(stated).toEqual(builds.map(([name, { rule, what }]) => [name, [what, `\`${rule}\``]]))
})

it('docs/chaos.md lists the faults, and nothing that is gone', () => {
  const known = [...Object.keys(faults), ...Object.keys(RULES), ...Object.keys(BROKEN)]
  expect(rows.map(({ name }) => name).toSorted()).toEqual(known.toSorted())
})
