import { randomUUID } from 'node:crypto'
import { KEYS } from './payment.ts'
import { servePeer } from './peer.ts'
import { createSockets, startBeside } from './socket-client.ts'

/** Plain Socket.IO that answers the same frames, and does nothing. */
await servePeer(async () => {
  const { pid, said } = await startBeside('bench/echo-server.ts')
  const sockets = createSockets(`http://127.0.0.1:${String(said)}/live`)
  const ids = Array.from({ length: KEYS }, () => randomUUID())
  return {
    others: { server: pid },
    prepare: sockets.ensure,
    proceed: (key, worker) => sockets.ask(worker, 'proceed', { id: ids[key], amount: 1 }),
  }
})
