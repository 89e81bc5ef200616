import type { RedisLink } from './redis.ts'

/** How many are connected, of one organisation or of all. */
export type Counts = { users: number; sockets: number }

export type PresenceCounts = Counts & {
  /** Those that serve clients and have been heard of lately. */
  nodes: number
  /** Whether all nodes have been counted, and not only this one. */
  complete: boolean
}

/** A socket in one namespace; those of one transport are counted once. */
type Connected = {
  socket: { conn: object }
  principal: () => { userId: string; orgId: string }
}

/** Who is connected: to this node exactly, to the others as of their last word. */
export type Presence = {
  opened: (connection: Connected) => void
  closed: (connection: Connected) => void
  counts: (orgId: string) => Promise<PresenceCounts>
  /** Of all organisations: of this node now, and of all nodes as of the last look, when Redis was there. */
  stats: () => { here: Counts; everywhere: Counts | undefined }
  start: () => void
  stop: () => Promise<void>
}

type Place = { link: RedisLink; space: string }

/** What a node has said is forgotten after so long, also when it never says goodbye. Seconds. */
const FORGOTTEN_AFTER_S = 15
const REPEAT_MS = 5_000
/** Changes are told at most so often. */
const PAUSE_MS = 1_000
/** Stands for all organisations. */
const ALL = 'all'

/**
 * Each node writes who is connected to it, as one set of users for each organisation, and counting is a union: somebody
 * who is on two nodes is counted once.
 */
export const createPresence = (nodeId: string, place: Place | undefined): Presence => {
  const connections = new Set<Connected>()
  const shared = place && createStore(place, nodeId)
  /** Organisations in which something has changed since it was told. */
  const changed = new Set<string>()
  let everywhere: Counts | undefined
  let timer: NodeJS.Timeout | undefined
  let repeating: NodeJS.Timeout | undefined
  let toldAt = -Infinity
  let telling = Promise.resolve()

  const tell = (orgIds: Iterable<string>) => {
    toldAt = performance.now()
    const groups = groupsOf(connections)
    const told = new Map([...orgIds].map((orgId) => [orgId, groups.get(orgId)] as const))
    changed.clear()
    // One after another, so that what is older never arrives later.
    telling = telling.then(async () => {
      everywhere = await shared?.write(told)
    })
  }

  const change = (connection: Connected) => {
    if (!repeating) return
    changed.add(ALL).add(connection.principal().orgId)
    timer ??= setTimeout(
      () => {
        timer = undefined
        tell(changed)
      },
      Math.max(0, toldAt + PAUSE_MS - performance.now()),
    )
  }

  /** All of it: Redis may have been emptied. */
  const repeat = () => tell(new Set([...changed, ...groupsOf(connections).keys()]))

  return {
    opened: (connection) => {
      connections.add(connection)
      change(connection)
    },
    closed: (connection) => {
      connections.delete(connection)
      change(connection)
    },
    counts: async (orgId) => {
      const counted = await shared?.read(orgId)
      return counted ?? { ...countsOf(groupsOf(connections).get(orgId)), nodes: 1, complete: false }
    },
    stats: () => ({ here: countsOf(groupsOf(connections).get(ALL)), everywhere }),
    start: () => {
      if (!shared) return
      repeating ??= setInterval(repeat, REPEAT_MS)
      place.link.onChange((isThere) => isThere && repeating && repeat())
      repeat()
    },
    stop: async () => {
      clearInterval(repeating)
      clearTimeout(timer)
      repeating = undefined
      await telling
      await shared?.leave()
    },
  }
}

type Group = { users: Set<string>; transports: Set<object> }

const groupsOf = (connections: Iterable<Connected>): Map<string, Group> => {
  const groups = new Map<string, Group>([[ALL, { users: new Set(), transports: new Set() }]])
  for (const { socket, principal } of connections) {
    const { userId, orgId } = principal()
    for (const key of [ALL, orgId]) {
      const group = groups.get(key) ?? { users: new Set(), transports: new Set() }
      groups.set(key, group)
      group.users.add(userId)
      group.transports.add(socket.conn)
    }
  }
  return groups
}

const countsOf = (group: Group | undefined): Counts => ({
  users: group?.users.size ?? 0,
  sockets: group?.transports.size ?? 0,
})

/** Under Redis's own clock: those of nodes may differ. */
const TOUCH = `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('EXPIRE', KEYS[1], ARGV[2])`

const COUNT = `
local now = tonumber(redis.call('TIME')[1])
local nodes = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
local sets, sockets = {}, 0
for index, node in ipairs(nodes) do
  sets[index] = KEYS[2] .. node
  sockets = sockets + tonumber(redis.call('GET', KEYS[3] .. node) or 0)
end
if #nodes == 0 then return {0, 0, 0} end
return {#redis.call('SUNION', unpack(sets)), sockets, #nodes}`

/** Nothing here is missed when Redis is away: its link tells operators, and all is written again when it is back. */
const createStore = ({ link, space }: Place, nodeId: string) => {
  const { commands } = link
  const nodes = `${space}:presence:nodes`
  const usersOf = (key: string) => `${space}:presence:users:${key}:`
  const socketsOf = (key: string) => `${space}:presence:sockets:${key}:`

  const read = async (key: string): Promise<PresenceCounts | undefined> => {
    if (!link.isThere()) return undefined
    const counted = await commands.eval(COUNT, 3, nodes, usersOf(key), socketsOf(key)).catch(() => undefined)
    if (!Array.isArray(counted)) return undefined
    const [users, sockets, count] = counted.map(Number) as [number, number, number]
    return { users, sockets, nodes: count, complete: true }
  }

  const write = async (groups: ReadonlyMap<string, Group | undefined>): Promise<Counts | undefined> => {
    if (!link.isThere()) return undefined
    const all = commands.multi().eval(TOUCH, 1, nodes, nodeId, FORGOTTEN_AFTER_S)
    for (const [key, group] of groups) {
      all.del(usersOf(key) + nodeId, socketsOf(key) + nodeId)
      if (!group || group.users.size === 0) continue
      all.sadd(usersOf(key) + nodeId, [...group.users]).expire(usersOf(key) + nodeId, FORGOTTEN_AFTER_S)
      all.set(socketsOf(key) + nodeId, group.transports.size, 'EX', FORGOTTEN_AFTER_S)
    }
    await all.exec().catch(() => undefined)
    return read(ALL)
  }

  return {
    read,
    write,
    leave: async () => {
      if (link.isThere()) await commands.zrem(nodes, nodeId).catch(() => undefined)
    },
  }
}
