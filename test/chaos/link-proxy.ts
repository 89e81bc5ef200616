import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createPublicationFilter } from './resp-frames.ts'

/** What can happen to the link between one node and one server. */
export type LinkProxy = {
  /** Connections stay open, and what is sent on them is held until `heal`; new ones get no answer. */
  blackHole: () => void
  /** Cuts all connections and refuses new ones. */
  reset: () => void
  /** Everything takes so much longer, in each direction. */
  delay: (ms: number) => void
  heal: () => void
  /**
   * Loses the next messages that Redis publishes to this node, so many, and nothing else.
   * @returns the function that ends the loss and tells how many have been lost
   */
  dropPublications: (count: number) => () => number
}

export type StartedLink = LinkProxy & { port: number; close: () => Promise<void> }

type Condition = {
  state: 'open' | 'blackHole' | 'reset'
  delayMs: number
  toDrop: number
  dropped: number
}

type Connection = { update: () => void; cut: () => void }

/** A TCP proxy on loopback that stands for a link. `speaks` RESP: published messages can be lost on it. */
export const startLink = async (target: number, speaks: 'resp' | 'other'): Promise<StartedLink> => {
  const condition: Condition = { state: 'open', delayMs: 0, toDrop: 0, dropped: 0 }
  const connections = new Set<Connection>()
  const server = createServer((near) => {
    if (condition.state === 'reset') {
      near.on('error', ignore).resetAndDestroy()
      return
    }
    const connection = join(near, target, condition, speaks, () => connections.delete(connection))
    connections.add(connection)
    connection.update()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const change = (changed: Partial<Condition>) => {
    Object.assign(condition, changed)
    for (const connection of connections) connection.update()
  }
  const cutAll = () => {
    for (const connection of connections) connection.cut()
  }
  return {
    port: (server.address() as AddressInfo).port,
    blackHole: () => change({ state: 'blackHole' }),
    reset: () => {
      change({ state: 'reset' })
      cutAll()
    },
    delay: (delayMs) => change({ delayMs }),
    heal: () => change({ state: 'open', delayMs: 0 }),
    dropPublications: (count) => {
      change({ toDrop: count, dropped: 0 })
      return () => {
        change({ toDrop: 0 })
        return condition.dropped
      }
    },
    close: () => {
      cutAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The two ends of one connection through the link; the far one is made as soon as the link carries anything. */
const join = (
  near: Socket,
  target: number,
  condition: Condition,
  speaks: 'resp' | 'other',
  gone: () => void,
): Connection => {
  let far: Socket | undefined
  let pipes: Pipe[] = []
  const cut = () => {
    for (const socket of [near, far]) if (socket && !socket.destroyed) socket.resetAndDestroy()
    for (const pipe of pipes) pipe.stop()
    gone()
  }
  const drops = () => {
    if (condition.toDrop === 0) return false
    condition.toDrop--
    condition.dropped++
    return true
  }
  const open = () => {
    far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    far.on('error', cut)
    pipes = [
      createPipe(near, far, condition),
      createPipe(far, near, condition, speaks === 'resp' ? createPublicationFilter(drops) : undefined),
    ]
  }
  near.setNoDelay(true)
  near.on('error', cut)
  near.on('close', () => {
    if (far?.destroyed ?? true) gone()
  })
  return {
    cut,
    update: () => {
      if (!far && condition.state === 'open') open()
      for (const pipe of pipes) pipe.update()
    },
  }
}

type Pipe = { update: () => void; stop: () => void }

/** One direction of a connection. What has been read leaves in its order, when its time has come and the link is open. */
const createPipe = (
  from: Socket,
  to: Socket,
  condition: Condition,
  filter: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Pipe => {
  /** Without bytes: the end. */
  const waiting: { dueAt: number; bytes?: Buffer }[] = []
  let timer: NodeJS.Timeout | undefined
  const move = () => {
    clearTimeout(timer)
    if (condition.state !== 'open') return
    for (let first = waiting[0]; first; first = waiting[0]) {
      const leftMs = first.dueAt - performance.now()
      if (condition.delayMs > 0 && leftMs > 0.5) {
        timer = setTimeout(move, leftMs)
        return
      }
      waiting.shift()
      pass(first.bytes)
    }
  }
  const pass = (bytes: Buffer | undefined) => {
    if (!to.writable) return
    if (!bytes) to.end()
    else if (!to.write(filter(bytes))) from.pause()
  }
  const take = (bytes?: Buffer) => {
    waiting.push({ dueAt: performance.now() + condition.delayMs, ...(bytes && { bytes }) })
    move()
  }
  const update = () => {
    // Whoever does not read learns nothing of the other side, its end included, as when packets are lost.
    if (condition.state === 'blackHole') from.pause()
    else from.resume()
    move()
  }
  from.on('data', take)
  from.on('end', () => take())
  to.on('drain', update)
  return { update, stop: () => clearTimeout(timer) }
}

const ignore = () => {}
