import type { Logger } from 'pino'

type Stoppable = { close: () => Promise<void> }

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof SIGNALS)[number]

/** Ctrl-C is a matter of moments unless a provider is slow to answer; orchestrators wait for thirty seconds. */
const PATIENCE_MS: Record<StopSignal, number> = { SIGINT: 8_000, SIGTERM: 25_000, SIGHUP: 8_000 }

/** What a shell reports of a process that the signal ended. */
const FORCED_EXIT: Record<StopSignal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** npm passes a Ctrl-C on to a process that the terminal has told already; only a later one is meant to force. */
const ECHO_MS = 400

/** Stops the server on the usual signals: commands in hand finish first. A second signal ends it at once. */
export const stopOnSignals = (server: Stoppable, logger: Logger, say: (line: string) => void): void => {
  let since: number | undefined
  const stop = async (signal: StopSignal) => {
    const deadline = setTimeout(() => {
      logger.fatal({ signal }, 'could not stop in time; nothing that was acknowledged is lost')
      process.exit(1)
    }, PATIENCE_MS[signal])
    say('Stopping…')
    await server.close()
    clearTimeout(deadline)
    say('Stopped.')
    process.exit(0)
  }
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (since !== undefined) {
        if (performance.now() - since > ECHO_MS) process.exit(FORCED_EXIT[signal])
        return
      }
      since = performance.now()
      stop(signal).catch((error: unknown) => {
        logger.fatal({ err: error, signal }, 'stopping failed')
        process.exit(1)
      })
    })
}

/** A bug that nobody caught leaves a process that nobody can trust: it says so and ends. */
export const exitOnBugs = (logger: Logger): void => {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event)
      process.exit(1)
    })
}
