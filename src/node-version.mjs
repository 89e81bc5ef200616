// Loaded before everything else, in JavaScript that old versions of Node understand: they cannot even read the rest.
import { existsSync } from 'node:fs'
import * as crypto from 'node:crypto'

const refuse = (reason) => {
  process.stderr.write(`Laurel cannot start: ${reason}\n`)
  process.exit(1)
}

if (!existsSync(new URL('../node_modules', import.meta.url))) refuse('run `npm ci` first')
if (!crypto.argon2 || !crypto.randomUUIDv7)
  refuse(
    `it needs Node 24.21, and this is ${process.version}; \`npm ci\` brings the right one, and \`npm start\` uses it`,
  )
