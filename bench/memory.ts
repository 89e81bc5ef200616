import { io } from 'socket.io-client'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { aHouse, prepare, residentMb, serve, signIn } from './processes.ts'

const STORED = 100_000
const ACTIVE = 1_000
const EMAIL = 'admin@bench.test'

/** What 100,000 stored and 1,000 active actors cost beside the idle server. */
export const benchMemory = async () => {
  const postgres = await startPostgres({ fsync: false })
  const { url } = await createDatabase(postgres.url)
  const ids = await prepare(url, (server) => aHouse(server, EMAIL, STORED))
  const laurel = await serve(url)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const idle = await residentMb(laurel.child)
  const socket = io(`${laurel.url}/live`, {
    transports: ['websocket'],
    auth: { token: await signIn(laurel.url, EMAIL) },
  })
  for (let round = 0; round < 10; round++)
    await Promise.all(
      ids.slice(0, ACTIVE).map((id) =>
        socket.emitWithAck(round % 2 ? 'mentors.resume' : 'mentors.pause', {
          id,
          ...(round % 2 ? {} : { reason: 'bench' }),
        }),
      ),
    )
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const busy = await residentMb(laurel.child)
  console.log(
    `${STORED} stored: idle ${idle.toFixed(0)} MB; ${ACTIVE} active after 10,000 commands ${busy.toFixed(0)} MB (+${(busy - idle).toFixed(0)})`,
  )
  socket.disconnect()
  await laurel.stop()
  await postgres.stop()
}

if (import.meta.main) {
  await benchMemory()
  process.exit(0)
}
