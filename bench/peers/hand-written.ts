import { servePeer } from './peer.ts'
import { createSockets, startBeside } from './socket-client.ts'

/** Clients of the hand-written service. */
await servePeer(async ({ postgresUrl }) => {
  const { pid, said } = await startBeside('bench/peers/hand-written-server.ts', [postgresUrl])
  const sockets = createSockets(`http://127.0.0.1:${String(said)}/payments`)
  return {
    others: { server: pid },
    prepare: sockets.ensure,
    proceed: (key, worker) => sockets.ask(worker, 'proceed', { id: key, amount: 1 }),
  }
})
