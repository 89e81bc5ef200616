import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BROKEN, type BrokenName } from './list.ts'

/** Loaded before the server: replaces what a deliberately broken build has otherwise, in memory only. */

const ROOT = join(import.meta.dirname, '..', '..', '..')
const name = process.env['LAUREL_TEST_BROKEN'] as BrokenName
const changes = BROKEN[name].changes
const left = new Set(changes)

registerHooks({
  load: (url, context, nextLoad) => {
    const here = changes.filter(({ file }) => url === `file://${join(ROOT, file)}`)
    if (here.length === 0) return nextLoad(url, context)
    let source = readFileSync(fileURLToPath(url), 'utf8')
    for (const change of here) {
      if (!source.includes(change.from)) throw new Error(`${change.file} does not contain: ${change.from}`)
      source = source.replace(change.from, () => change.to)
      left.delete(change)
    }
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})
