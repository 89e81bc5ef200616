/** At most `limit` pieces of work at once; the others wait in line. */
export const atMost = (limit: number) => {
  let running = 0
  const line: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= limit) await new Promise<void>((resolve) => line.push(resolve))
    running++
    try {
      return await work()
    } finally {
      running--
      line.shift()?.()
    }
  }
}
