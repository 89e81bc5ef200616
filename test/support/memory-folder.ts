import { accessSync, constants, statfsSync } from 'node:fs'

const FOLDER = '/dev/shm'
/** What a run of all tests may need, with room to spare. */
const ENOUGH_BYTES = 6 * 1024 ** 3

/**
 * A folder in memory: tests make and remove hundreds of databases, and what they hold may be lost with the machine.
 * `undefined` where there is none, or too little of it.
 */
export const memoryFolder = (): string | undefined => {
  try {
    accessSync(FOLDER, constants.W_OK)
    const { bavail, bsize } = statfsSync(FOLDER)
    return bavail * bsize > ENOUGH_BYTES ? FOLDER : undefined
  } catch {
    return undefined
  }
}
