import { join } from 'node:path'

/** For the environment of processes that tests start again and again: what has been compiled once is read from here. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/laurel'),
}
