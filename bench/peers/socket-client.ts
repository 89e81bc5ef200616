import { fork } from 'node:child_process'
import { once } from 'node:events'
import { io, type Socket } from 'socket.io-client'

/** A server in a process of its own. @returns what it says first. */
export const startBeside = async (script: string, args: readonly string[] = []) => {
  const child = fork(script, args, { execArgv: ['--max-semi-space-size=8'] })
  process.on('exit', () => child.kill('SIGKILL'))
  const [said] = (await once(child, 'message')) as [unknown]
  return { pid: child.pid!, said }
}

/** A connection for each worker, made when it is needed. */
export const createSockets = (url: string, token?: string) => {
  const sockets: Socket[] = []
  return {
    ensure: async (count: number) => {
      while (sockets.length < count) {
        const socket = io(url, {
          transports: ['websocket'],
          forceNew: true,
          ...(token ? { auth: { token } } : {}),
        })
        await new Promise<void>((resolve, reject) => {
          socket.once('connect', resolve)
          socket.once('connect_error', reject)
        })
        sockets.push(socket)
      }
    },
    ask: async (worker: number, name: string, payload: object) => {
      const reply = (await sockets[worker]!.emitWithAck(name, payload)) as { ok: boolean }
      if (!reply.ok) throw new Error(JSON.stringify(reply))
      return reply
    },
  }
}
