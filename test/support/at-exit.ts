const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a synchronous clean-up when this process ends by itself or by one of the usual signals. A signal is sent again
 * afterwards unless somebody else listens to it too. Returns a function that takes the clean-up back.
 */
export function atExit(cleanUp: () => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    forget()
    cleanUp()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  const forget = () => {
    process.off('exit', cleanUp)
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  process.on('exit', cleanUp)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return forget
}
