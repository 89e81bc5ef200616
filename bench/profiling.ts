import { Session, type Profiler } from 'node:inspector/promises'

/** Processor time of this process in milliseconds, by who used it. */
export type Shares = Readonly<Record<string, number>>

const PACKAGES: readonly (readonly [pattern: RegExp, owner: string])[] = [
  [/node_modules\/(socket\.io|engine\.io|ws|@socket\.io)/, 'Socket.IO'],
  [/node_modules\/xstate/, 'XState'],
  [/node_modules\/pg/, 'pg'],
  [/node_modules\/zod/, 'Zod'],
  [/node_modules\//, 'other packages'],
  [/\/(src|actors|machines|contracts|persistence|bench)\//, 'Laurel'],
]

/** Watches this process until the function that it returns is called. */
export const startProfile = async () => {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  return async (): Promise<Shares> => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return sharesOf(profile)
  }
}

/** What Node does itself, such as writing to a socket, counts for whoever made it do so. */
const sharesOf = ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Shares => {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  )
  const owners = new Map<number, string>()
  const ownerOf = (id: number): string => {
    const known = owners.get(id)
    if (known) return known
    const { functionName, url } = byId.get(id)!.callFrame
    const parent = parents.get(id)
    const owner =
      SPECIAL.get(functionName) ??
      PACKAGES.find(([pattern]) => pattern.test(url))?.[1] ??
      (parent === undefined ? 'Node' : ownerOf(parent))
    owners.set(id, owner)
    return owner
  }
  const shares: Record<string, number> = {}
  samples.forEach((id, index) => {
    const owner = ownerOf(id)
    if (owner !== 'idle') shares[owner] = (shares[owner] ?? 0) + timeDeltas[index]! / 1_000
  })
  return shares
}

const SPECIAL = new Map([
  ['(idle)', 'idle'],
  ['(garbage collector)', 'garbage'],
  ['(program)', 'Node'],
])
