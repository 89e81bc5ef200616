import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { freePort } from '../../test/support/free-port.ts'
import { KEYS } from './payment.ts'
import { servePeer } from './peer.ts'
import { startBeside } from './socket-client.ts'

const serverBinary = () => {
  const from = createRequire(
    createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json'),
  )
  const platform = `@restatedev/restate-server-${process.platform}-${process.arch}`
  return join(from.resolve(`${platform}/package.json`), '..', 'bin', 'restate-server')
}

const startServer = async () => {
  const [ingress, admin, fabric] = [await freePort(), await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'laurel-restate-'))
  const child = spawn(serverBinary(), ['--base-dir', folder, '--bind-ip', '127.0.0.1'], {
    env: {
      ...process.env,
      DO_NOT_TRACK: '1',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
      RESTATE_BIND_PORT: String(fabric),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
    },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  process.on('exit', () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const urls = { ingress: `http://127.0.0.1:${ingress}`, admin: `http://127.0.0.1:${admin}` }
  await until(async () => (await fetch(`${urls.admin}/health`)).ok)
  return { pid: child.pid!, ...urls }
}

const until = async (isSo: () => Promise<boolean>) => {
  for (let attempt = 0; attempt < 120; attempt++) {
    if (await isSo().catch(() => false)) return
    await sleep(500)
  }
  throw new Error('Restate has not started')
}

/** Restate with its own XState port: each payment is a virtual object, each command an invocation. */
await servePeer(async () => {
  const server = await startServer()
  const port = await freePort()
  const { pid } = await startBeside('bench/peers/restate-service.ts', [String(port)])
  await until(async () => {
    const body = JSON.stringify({ uri: `http://127.0.0.1:${port}`, force: true })
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${server.admin}/deployments`, { method: 'POST', headers, body })).ok
  })
  const pool = new Pool(server.ingress, { connections: 256, pipelining: 1 })
  const call = async (path: string, body: object) => {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${text.slice(0, 200)}`)
  }
  let next = 0
  const worker = async () => {
    while (next < KEYS) await call(`/payment/${next++}/create`, {})
  }
  await until(() => call('/payment/first/create', {}).then(() => true))
  await Promise.all(Array.from({ length: 50 }, worker))
  return {
    others: { 'restate-server': server.pid, service: pid },
    proceed: (key) => call(`/payment/${key}/send`, { event: { type: 'proceed', amount: 1 } }),
  }
})
