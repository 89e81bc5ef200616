import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'

export const withPooler = spawnSync('pgbouncer', ['--version']).status === 0

/** A PgBouncer in front of one database, which ends with the test. @returns the URL of the database through it */
export const startPooler = async (target: string, mode: 'session' | 'transaction'): Promise<string> => {
  const { hostname, port, username, password, pathname } = new URL(target)
  const folder = await mkdtemp(join(tmpdir(), 'laurel-pooler-'))
  const own = await freePort()
  const users = join(folder, 'users.txt')
  const settings = join(folder, 'pgbouncer.ini')
  await writeFile(users, `"${username}" "${password}"\n`)
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
pool_mode = ${mode}
default_pool_size = 20
`,
  )
  // It does not run as root, which lends it an account that can do nothing.
  const nobody = process.getuid?.() === 0 ? 65_534 : undefined
  if (nobody !== undefined) for (const path of [folder, users, settings]) await chown(path, nobody, nobody)
  const child = spawn('pgbouncer', [settings], {
    ...(nobody === undefined ? {} : { uid: nobody, gid: nobody }),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('process up')) resolve()
    })
    void once(child, 'exit').then(() => reject(new Error(`pgbouncer ended:\n${log}`)))
  })
  return Object.assign(new URL(target), { hostname: '127.0.0.1', port: own, pathname }).href
}
