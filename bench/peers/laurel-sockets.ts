import { randomUUID } from 'node:crypto'
import { KEYS } from './payment.ts'
import { servePeer } from './peer.ts'
import { createSockets, startBeside } from './socket-client.ts'

/** Laurel as clients see it: a command over Socket.IO with its contract, answered when it is committed. */
await servePeer(async ({ postgresUrl }) => {
  const { pid, said } = await startBeside('bench/peers/laurel-sockets-server.ts', [postgresUrl])
  const { url, token } = said as { url: string; token: string }
  const sockets = createSockets(`${url}/benchPayments`, token)
  await sockets.ensure(1)
  const ids = Array.from({ length: KEYS }, () => randomUUID())
  await Promise.all(ids.map((id) => sockets.ask(0, 'open', { id })))
  return {
    others: { server: pid },
    prepare: sockets.ensure,
    proceed: (key, worker) => sockets.ask(worker, 'proceed', { id: ids[key], amount: 1 }),
  }
})
