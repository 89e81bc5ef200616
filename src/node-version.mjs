// Loaded before everything else, in JavaScript that old versions of Node understand: they cannot even read the rest.
import { existsSync } from 'node:fs'
import * as crypto from 'node:crypto'
import * as module from 'node:module'
import { fileURLToPath } from 'node:url'

const refuse = (reason) => {
  process.stderr.write(`Laurel cannot start: ${reason}\n`)
  process.exit(1)
}

if (!existsSync(new URL('../node_modules', import.meta.url))) refuse('run `npm ci` first')
if (!crypto.argon2 || !crypto.randomUUIDv7)
  refuse(
    `it needs Node 24.21, and this is ${process.version}; \`npm ci\` brings the right one, and \`npm start\` uses it`,
  )

// What has been compiled once is read at the next start, which takes a third less of the processor; where nothing can be written, not.
module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/laurel', import.meta.url)))
