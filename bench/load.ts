import { record } from './results.ts'

/** A closed loop: `concurrency` workers, each with one request under way, for `ms` milliseconds. */
export const closedLoop = async (
  concurrency: number,
  ms: number,
  request: (worker: number) => Promise<unknown>,
): Promise<Measured> => {
  const latencies: number[] = []
  const end = performance.now() + ms
  const cpu = process.cpuUsage()
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: concurrency }, async (_, worker) => {
      for (let now = performance.now(); now < end;) {
        await request(worker)
        const after = performance.now()
        latencies.push(after - now)
        now = after
      }
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((one, other) => one - other)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    perSecond: latencies.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMs: (user + system) / 1000 / latencies.length,
  }
}

export type Measured = { perSecond: number; p50Ms: number; p99Ms: number; cpuMs: number }

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? 0
}

export const show = (
  label: string,
  { perSecond, p50Ms, p99Ms, cpuMs }: Measured,
  beside?: Measured,
): void => {
  record({
    label,
    perSecond,
    p50Ms,
    p99Ms,
    cpuMs,
    ...(beside ? { ratio: perSecond / beside.perSecond } : {}),
  })
  const ratio = beside ? `  ${(perSecond / beside.perSecond).toFixed(2)}x` : ''
  console.log(
    `${label.padEnd(52)} ${perSecond.toFixed(0).padStart(8)}/s  p50 ${p50Ms.toFixed(2).padStart(7)} ms  p99 ${p99Ms
      .toFixed(2)
      .padStart(7)} ms  cpu ${cpuMs.toFixed(3)} ms${ratio}`,
  )
}

/** The run with the median rate. */
export const middle = (runs: readonly Measured[]): Measured =>
  runs.toSorted((one, other) => one.perSecond - other.perSecond)[runs.length >> 1]!
