import { createServer } from 'node:net'

/** Below the ports that Linux gives to outgoing connections (32768 and above, unless somebody changed that). */
const FIRST = 15_000
const LAST = 32_000

/**
 * A free TCP port of the loopback interface for a server that goes away and comes back: no outgoing connection can take
 * it meanwhile, as happens to a port of the usual range in a storm of connections.
 */
export const lastingPort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (await isFree(port)) return port
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
