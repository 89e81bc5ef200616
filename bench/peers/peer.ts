import { closedLoop, type Measured } from '../load.ts'
import { KEYS } from './payment.ts'

/** Somebody who can carry out the commands, in a process of its own that also asks for them. */
export type Peer = {
  /** Resolves when the command is durable and answered. `worker` is the one who asks, of those who ask at once. */
  proceed: (key: number, worker: number) => Promise<unknown>
  /** Processes beside this one whose processor time counts, by what they are. */
  others?: Readonly<Record<string, number>>
  /** Before so many ask at once. */
  prepare?: (concurrency: number) => Promise<void>
}

export type PeerSettings = { postgresUrl: string }

/** One window: so many workers, each with one command under way, on all payments by chance or on a single one. */
export type Window = { concurrency: number; ms: number; hot: boolean }

export type PeerReady = { others: Readonly<Record<string, number>> }

export type PeerDone = Measured & { commands: number }

/** Serves the parent that has started this process. */
export const servePeer = async (open: (settings: PeerSettings) => Promise<Peer>): Promise<void> => {
  const peer = await open(JSON.parse(process.argv[2]!) as PeerSettings)
  // Whoever was started beside it ends with it.
  for (const event of ['disconnect', 'SIGTERM']) process.on(event, () => process.exit(0))
  process.on('message', async ({ concurrency, ms, hot }: Window) => {
    await peer.prepare?.(concurrency)
    const key = hot ? () => 0 : () => Math.floor(Math.random() * KEYS)
    let commands = 0
    const measured = await closedLoop(concurrency, ms, async (worker) => {
      await peer.proceed(key(), worker)
      commands++
    })
    process.send!({ ...measured, commands } satisfies PeerDone)
  })
  process.send!({ others: peer.others ?? {} } satisfies PeerReady)
}
