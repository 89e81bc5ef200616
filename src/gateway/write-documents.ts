import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { actors } from '../../actors/registry.ts'
import { accessTables } from '../../test/support/access-tables.ts'
import { generatedFiles } from './generated-files.ts'

/** Writes the generated documents; with `--check` only says which of them are out of date. */
const main = async (root: string, { check }: { check: boolean }): Promise<void> => {
  for (const [path, text] of generatedFiles(actors, accessTables)) {
    const file = join(root, path)
    const present = await readFile(file, 'utf8').catch(() => undefined)
    if (present === text) continue
    if (check) {
      console.error(`${path} is stale: run \`npm run docs\``)
      process.exitCode = 1
    } else {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
      console.log(`wrote ${path}`)
    }
  }
}

await main(join(import.meta.dirname, '../..'), { check: process.argv.includes('--check') })
