import { io, type Socket } from 'socket.io-client'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { closedLoop, middle, show, type Measured } from './load.ts'
import { aHouse, prepare, serve, serveEcho, signIn } from './processes.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 3_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const SOCKETS = [1, 16, 256]
const EMAIL = 'admin@bench.test'

/** Commands a second through real sockets from this process to another one, beside a plain echo of the same frames. */
export const benchSockets = async () => {
  const postgres = await startPostgres({ fsync: true })
  const { url } = await createDatabase(postgres.url)
  const mentors = await prepare(url, (server) => aHouse(server, EMAIL, Math.max(...SOCKETS)))
  const laurel = await serve(url)
  const echo = await serveEcho()
  const token = await signIn(laurel.url, EMAIL)

  const paused = new Set<number>()
  for (const count of SOCKETS) {
    const [ours, theirs] = [await connect(laurel.url, count, token), await connect(echo.url, count, token)]
    const request = (sockets: Socket[], isOurs: boolean) => async (worker: number) => {
      const isPaused = paused.has(worker)
      const id = mentors[worker]
      const [name, payload] = isPaused
        ? ['mentors.resume', { id }]
        : ['mentors.pause', { id, reason: 'bench' }]
      const reply = (await sockets[worker]!.emitWithAck(name, payload)) as { ok: boolean }
      if (!reply.ok) throw new Error(JSON.stringify(reply))
      if (isOurs) paused[isPaused ? 'delete' : 'add'](worker)
    }
    const runs: Record<'echo' | 'laurel', Measured[]> = { echo: [], laurel: [] }
    for (let round = 0; round < ROUNDS; round++) {
      runs.echo.push(await closedLoop(count, WINDOW_MS, request(theirs, false)))
      runs.laurel.push(await closedLoop(count, WINDOW_MS, request(ours, true)))
    }
    show(`${count} sockets, plain Socket.IO echo`, middle(runs.echo))
    show(`${count} sockets, Laurel on PostgreSQL`, middle(runs.laurel), middle(runs.echo))
    for (const socket of [...ours, ...theirs]) socket.disconnect()
  }
  await laurel.stop()
  await echo.stop()
  await postgres.stop()
}

const connect = (url: string, count: number, token: string) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const socket = io(`${url}/live`, { transports: ['websocket'], auth: { token }, forceNew: true })
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('connect_error', reject)
      })
      return socket
    }),
  )

if (import.meta.main) {
  await benchSockets()
  process.exit(0)
}
