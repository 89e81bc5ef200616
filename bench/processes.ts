import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { startServer, type LaurelServer } from '../src/server.ts'
import { freePort } from '../test/support/free-port.ts'

export const PASSWORD = 'a password for benchmarks'
export const TOKEN_SECRET = randomBytes(32).toString('base64url')

/** Prepares a database in this process, before the server under test has it for itself. */
export const prepare = async <Result>(
  url: string,
  work: (server: LaurelServer) => Promise<Result>,
): Promise<Result> => {
  const server = await startServer({
    database: { url },
    host: '127.0.0.1',
    port: 0,
    tokenSecret: TOKEN_SECRET,
    vaultKeys: [{ id: 'test', key: Buffer.alloc(32, 7) }],
    logger: pino({ level: 'error' }),
  })
  const result = await work(server)
  await server.close()
  return result
}

export type Served = { url: string; child: ChildProcess; stop: () => Promise<void> }

/** An administrator, and so many mentors in their charge. */
export const aHouse = async (
  { accounts, engine, defaultOrgId, now }: LaurelServer,
  email: string,
  count: number,
  orgId = defaultOrgId,
) => {
  const admin = await accounts.createUser({
    email,
    password: PASSWORD,
    name: 'Admin',
    orgId,
    roles: ['admin'],
  })
  if (!admin.ok) throw new Error(admin.error.message)
  const { id: userId } = admin.value
  const register = async () => {
    const id = crypto.randomUUID()
    const at = new Date(now()).toISOString()
    const reply = await engine.send({
      id: crypto.randomUUID(),
      actor: { type: 'mentor', id },
      cause: 'command',
      type: 'register',
      payload: { userId, coordinatorId: userId },
      at,
      principal: { userId, orgId, roles: ['admin'] },
      creation: {
        input: { id, at, orgId, userId, coordinatorId: userId, policy: { requiredCertTypes: [] } },
      },
    })
    if (!reply.ok) throw new Error(reply.error.message)
    return id
  }
  const ids: string[] = []
  while (ids.length < count)
    ids.push(...(await Promise.all(Array.from({ length: Math.min(5_000, count - ids.length) }, register))))
  return ids
}

/** The product as users start it, in a process of its own. */
export const serve = async (
  databaseUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Served> => {
  const port = await freePort()
  const child = fork('src/main.ts', {
    // As `npm start` does: a small young generation keeps the resident set small, and costs no throughput here.
    execArgv: ['--max-semi-space-size=8'],
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      LAUREL_DEMO: 'off',
      LAUREL_RATE_LIMIT: '100000000',
      LAUREL_TOKEN_SECRET: TOKEN_SECRET,
      LOG_LEVEL: 'error',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const url = `http://127.0.0.1:${port}`
  for (let ready = false; !ready;) {
    if (child.exitCode !== null) throw new Error('the server did not start')
    await new Promise((resolve) => setTimeout(resolve, 20))
    ready = await fetch(`${url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  return { url, child, stop: () => ended(child) }
}

/** The echo beside it. */
export const serveEcho = async (): Promise<Served> => {
  const child = fork('bench/echo-server.ts')
  const port = await new Promise<number>((resolve) =>
    child.once('message', (message) => resolve(message as number)),
  )
  return { url: `http://127.0.0.1:${port}`, child, stop: () => ended(child) }
}

const ended = async (child: ChildProcess) => {
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exit
}

export const signIn = async (url: string, email: string): Promise<string> => {
  const response = await fetch(`${url}/api/auth/user/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  })
  return ((await response.json()) as { data: { token: string } }).data.token
}

/** Resident set of another process, in megabytes. */
export const residentMb = async ({ pid }: ChildProcess): Promise<number> => {
  const { readFile } = await import('node:fs/promises')
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kb) / 1024
}
