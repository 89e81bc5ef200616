import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atExit } from '../support/at-exit.ts'

type Options = {
  port: number
  folder: string
  /** Where the nodes listen, by name. */
  nodes: readonly { name: string; port: number }[]
  violated: (what: string) => void
}

const START_MS = 10_000

/** HAProxy before the nodes: each connection goes to the next node that says it is ready, no client is tied to one. */
export const startBalancer = async ({ port, folder, nodes, violated }: Options) => {
  const file = join(folder, 'haproxy.cfg')
  await writeFile(file, configuration(port, nodes))
  const log = openSync(join(folder, 'haproxy.log'), 'a')
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', log, log] })
  closeSync(log)
  let expected = false
  let ended = false
  const gone = once(child, 'exit').then(([code]) => {
    ended = true
    if (!expected) violated(`haproxy ended by itself (${code}); see ${folder}/haproxy.log`)
  })
  const forget = atExit(() => child.kill('SIGKILL'))
  for (const until = Date.now() + START_MS; !(await listens(port)); await sleep(20))
    if (ended || Date.now() > until) throw new Error(`haproxy did not start; see ${folder}/haproxy.log`)
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      expected = true
      child.kill('SIGKILL')
      await gone
      forget()
    },
  }
}

/** Small buffers: what a client does not read stays where the server can see it. */
const configuration = (port: number, nodes: Options['nodes']) => `global
  log stdout format raw local0 notice
  maxconn 8000
  nbthread 1
  tune.rcvbuf.server 65536
  tune.sndbuf.client 65536
defaults
  mode http
  log global
  option redispatch
  option forwardfor if-none
  retries 3
  retry-on conn-failure
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout check 2s
  timeout http-request 10s
listen laurel
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk
  http-check send meth GET uri /ready
  http-check expect status 200
  default-server inter 500ms fall 3 rise 1
${nodes.map((node) => `  server ${node.name} 127.0.0.1:${node.port} check`).join('\n')}
`

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
