import { randomUUID } from 'node:crypto'
import { createEngine } from '../actors/engine/engine.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { account, accountMigration } from './account.ts'

/** What a node is told to do. */
export type Task = {
  /** The accounts that it deposits into, one after another by chance. */
  ids: readonly string[]
  concurrency: number
  /** What comes before the measured window, and is not measured. */
  warmUpMs: number
  windowMs: number
}

/** What it did; the counts are those of the whole task unless they say otherwise. */
export type Done = {
  /** Of the turns that were asked for within the window, in milliseconds. */
  latencies: readonly number[]
  /** Turns that were answered within the window. */
  inWindow: number
  turns: number
  /** Answers `overloaded`: the message lost the race for its actor twenty times. */
  refused: number
  commits: number
  conflicts: number
}

/** The engine of one node without sockets, in a process of its own: commands from the parent's task, commits to PostgreSQL. */
const runNode = async (url: string, owner: string) => {
  const database = await openDatabase({ url, poolSize: 4 }, [...migrations, accountMigration])
  const store = createActorStore(database)
  let commits = 0
  let conflicts = 0
  const engine = createEngine({
    store: {
      ...store,
      commit: async (flight, writes) => {
        const positions = await store.commit(flight, writes)
        commits++
        conflicts += positions.filter((position) => position === undefined).length
        return positions
      },
    },
    definitions: [account],
    committed: () => {},
    failed: (error) => console.error(error),
  })
  const principal = { userId: owner, orgId: owner, roles: [] }
  const deposit = (id: string) =>
    engine.send({
      id: randomUUID(),
      actor: { type: 'account', id },
      cause: 'command',
      type: 'deposit',
      payload: { amount: 1 },
      at: new Date().toISOString(),
      principal,
    })

  return async ({ ids, concurrency, warmUpMs, windowMs }: Task): Promise<Done> => {
    const latencies: number[] = []
    const before = { commits, conflicts }
    const done = { inWindow: 0, turns: 0, refused: 0 }
    const begin = performance.now() + warmUpMs
    const end = begin + windowMs
    const worker = async () => {
      for (let now = performance.now(); now < end;) {
        const reply = await deposit(ids[Math.floor(Math.random() * ids.length)]!)
        const after = performance.now()
        done[reply.ok ? 'turns' : 'refused']++
        if (reply.ok && now >= begin) latencies.push(after - now)
        if (reply.ok && after >= begin && after <= end) done.inWindow++
        now = after
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return {
      latencies,
      ...done,
      commits: commits - before.commits,
      conflicts: conflicts - before.conflicts,
    }
  }
}

if (import.meta.main) {
  const [url, owner] = process.argv.slice(2) as [string, string]
  const run = await runNode(url, owner)
  process.on('message', async (task) => process.send!(await run(task as Task)))
  process.on('disconnect', () => process.exit(0))
  process.send!('ready')
}
