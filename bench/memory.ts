import { io } from 'socket.io-client'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { PASSWORD, prepare, residentMb, serve, signIn } from './processes.ts'

const STORED = 100_000
const ACTIVE = 1_000
const EMAIL = 'admin@bench.test'

/** What 100,000 stored and 1,000 active actors cost beside the idle server. */
export const benchMemory = async () => {
  const postgres = await startPostgres({ fsync: false })
  const { url } = await createDatabase(postgres.url)
  const ids = await prepare(url, async ({ accounts, engine, defaultOrgId: orgId, now }) => {
    const admin = await accounts.createUser({
      email: EMAIL,
      password: PASSWORD,
      name: 'Admin',
      orgId,
      roles: ['admin'],
    })
    if (!admin.ok) throw new Error(admin.error.message)
    const { id: userId } = admin.value
    const made: string[] = []
    for (let from = 0; from < STORED; from += 5_000)
      made.push(
        ...(await Promise.all(
          Array.from({ length: 5_000 }, async () => {
            const id = crypto.randomUUID()
            const at = new Date(now()).toISOString()
            await engine.send({
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
            return id
          }),
        )),
      )
    return made
  })
  const laurel = await serve(url)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const idle = await residentMb(laurel.child)
  const socket = io(`${laurel.url}/live`, {
    transports: ['websocket'],
    auth: { token: await signIn(laurel.url, EMAIL) },
  })
  for (let round = 0; round < 10; round++)
    await Promise.all(
      ids
        .slice(0, ACTIVE)
        .map((id) =>
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
