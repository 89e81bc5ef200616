import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { ConfigError, type Config } from '../config.ts'
import type { VaultKey } from '../vault.ts'
import { BooksUnreadable } from './books.ts'
import { createSimulator, type Simulator } from './simulator.ts'

/** Slow enough to be watched. */
const REFUND_STEP_MS = 2_000

export type SimulatorBeside = Simulator & { secretKey: string }

/**
 * The simulator for those who start Laurel without an account at Paystack: in the same process, on the port after the
 * server's. In production there is none, nor with a key of one's own.
 */
export const simulatorBeside = async (
  { NODE_ENV, PAYSTACK_SECRET_KEY, PORT, DATA_DIR }: Config,
  vaultKey: VaultKey,
): Promise<SimulatorBeside | undefined> => {
  if (NODE_ENV === 'production' || PAYSTACK_SECRET_KEY !== undefined) return undefined
  // The same after every start, so that what is in the books stays usable.
  const derived = hkdfSync('sha256', vaultKey.key, '', 'laurel paystack simulator', 20)
  const secretKey = `sk_test_${Buffer.from(derived).toString('hex')}`
  const start = (port: number) =>
    createSimulator({
      port,
      host: '127.0.0.1',
      secretKey,
      now: Date.now,
      file: join(DATA_DIR, 'paystack-simulator.json'),
      refundStepMs: REFUND_STEP_MS,
    })
  try {
    const wanted = PORT > 0 && PORT < 65_535 ? PORT + 1 : 0
    const simulator = await start(wanted).catch((error: unknown) => {
      if (isTaken(error)) return start(0)
      throw error
    })
    return { ...simulator, secretKey }
  } catch (error) {
    if (error instanceof BooksUnreadable) throw new ConfigError(`DATA_DIR: ${error.message}`)
    throw error
  }
}

const isTaken = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')
