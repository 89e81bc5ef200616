import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SOURCE = 'bench/native/subscribers.cpp'

/** What has arrived between `start` and `stop`. Times are those from the sending to each arrival, in milliseconds. */
export type Arrived = {
  frames: number
  events: number
  closed: number
  cpuMs: number
  times?: Times
  node0?: Times
  node1?: Times
}
type Times = { count: number; p50: number; p99: number }

export type Subscribers = Awaited<ReturnType<typeof startSubscribers>>

type Options = {
  count: number
  /** The packet that opens the namespace, and the one that subscribes there, if that takes one. */
  signIn: string
  subscribe?: string
  /** Of one node or two, between which the clients are divided. */
  ports: readonly number[]
}

/** So many clients in a process of its own, all of them connected and subscribed. */
export const startSubscribers = async ({ count, signIn, subscribe = '', ports }: Options) => {
  const child = spawn(compiled(), [String(count), signIn, subscribe, ...ports.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let heard: (line: string) => void = () => {}
  let round: () => void = () => {}
  createInterface(child.stdout).on('line', (line) => (line === 'ROUND' ? round() : heard(line)))
  const next = () =>
    new Promise<string>((resolve, reject) => {
      heard = resolve
      child.once('exit', () => reject(new Error('the subscribers have ended')))
    })
  const say = (command: string) => void child.stdin.write(`${command}\n`)
  await next()
  child.removeAllListeners('exit')
  return {
    pid: child.pid!,
    /** Whenever as many events have arrived as there are clients. */
    onRound: (listener: () => void) => {
      round = listener
    },
    /** Counts from zero; on demand with the instant of every arrival. */
    start: (keepsTimes = false) => say(keepsTimes ? 'time' : 'start'),
    stop: async (sent: readonly Sent[] = []): Promise<Arrived> => {
      for (const [position, instant] of sent) say(`sent ${position} ${instant}`)
      const answer = next()
      say('stop')
      const line = await answer
      child.removeAllListeners('exit')
      return JSON.parse(line.slice('STOPPED '.length)) as Arrived
    },
    end: () => child.kill(),
  }
}

/** The position of an event and the instant at which it was sent, in nanoseconds of the monotonic clock. */
export type Sent = readonly [position: number, instant: string]

/** Compiled once for each text of the source. */
const compiled = (): string => {
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16)
  const binary = join(tmpdir(), `laurel-subscribers-${version}`)
  if (!existsSync(binary))
    execFileSync('cc', ['-std=c++17', '-O2', '-o', binary, SOURCE, '-lstdc++'], { stdio: 'inherit' })
  return binary
}
