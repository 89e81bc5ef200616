import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy on loopback that cuts connections when it is told to. */
export type CuttingProxy = {
  port: number
  /** Cuts everything that is open. */
  cutAll: () => void
  /** Cuts the next connections, so many, on which this text is sent. @returns how many have been cut since */
  cutOn: (text: string, times: number) => () => number
  /** Nothing passes any more on what is open now, and nobody is told; new connections are not concerned. */
  stallAll: () => void
  /** From now on, whatever the target sends in one piece that contains this text never arrives. */
  swallow: (text: string) => void
  /** How many pieces have not arrived. */
  swallowed: () => number
  close: () => Promise<void>
}

export const startCuttingProxy = async (target: number): Promise<CuttingProxy> => {
  const open = new Set<Socket>()
  let trap = { text: '', times: 0, sprung: 0 }
  const stalled = new Set<Socket>()
  let unwanted: string | undefined
  let swallowed = 0
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const cut = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        open.delete(socket)
        cut()
      })
    }
    near.on('data', (bytes) => {
      if (stalled.has(near)) return
      if (trap.sprung < trap.times && bytes.includes(trap.text)) {
        trap.sprung++
        cut()
      } else far.write(bytes)
    })
    far.on('data', (bytes) => {
      if (stalled.has(far)) return
      if (unwanted !== undefined && bytes.includes(unwanted)) swallowed++
      else near.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cutAll,
    cutOn: (text, times) => {
      const set = { text, times, sprung: 0 }
      trap = set
      return () => set.sprung
    },
    stallAll: () => {
      for (const socket of open) stalled.add(socket)
    },
    swallow: (text) => {
      unwanted = text
    },
    swallowed: () => swallowed,
    close: () => {
      cutAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
