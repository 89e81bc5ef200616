import type { Namespace } from 'socket.io'
import type { Channels, ChannelStats } from './channels.ts'
import type { Subscriptions, SubscriptionStats } from './subscriptions.ts'

export type SocketStats = ChannelStats &
  SubscriptionStats & {
    /** Open transports; each may have a connection in several namespaces. */
    sockets: number
    connections: Readonly<Record<string, number>>
    slowClients: number
  }

type Frontage = {
  namespace: Namespace
  channels: Pick<Channels, 'stats'>
  subscriptions: Pick<Subscriptions, 'stats'>
}

/** All namespaces together. */
export const statsOf = (frontages: readonly Frontage[]): Omit<SocketStats, 'sockets' | 'slowClients'> => {
  const channels = frontages.map((frontage) => frontage.channels.stats())
  const subscriptions = frontages.map((frontage) => frontage.subscriptions.stats())
  return {
    connections: Object.fromEntries(
      frontages.map(({ namespace }) => [namespace.name, namespace.sockets.size]),
    ),
    topics: sumOf(channels, (of) => of.topics),
    delivered: sumOf(channels, (of) => of.delivered),
    frames: sumOf(channels, (of) => of.frames),
    reads: sumOf(subscriptions, (of) => of.reads),
    subscriptions: {
      each: sumOf(channels, (of) => of.subscriptions.each),
      batch: sumOf(channels, (of) => of.subscriptions.batch),
    },
    begun: {
      snapshot: sumOf(subscriptions, (of) => of.begun.snapshot),
      replayed: sumOf(subscriptions, (of) => of.begun.replayed),
      resync_required: sumOf(subscriptions, (of) => of.begun.resync_required),
    },
  }
}

const sumOf = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0)

/** Of a node that has no gateway. */
export const NO_SOCKETS: SocketStats = { ...statsOf([]), sockets: 0, slowClients: 0 }
