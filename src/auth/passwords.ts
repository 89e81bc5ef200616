import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { HttpRefusal } from '../gateway/http-envelope.ts'

/** Of Argon2id. Each hash keeps what it was made with. */
export type PasswordCost = { memoryKib: number; passes: number; lanes: number }

/** OWASP's smallest setting for Argon2id: 19 MiB, 2 passes, 1 lane; about 0.1 s of one core. */
const COST: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 }
const SALT_BYTES = 16
const TAG_BYTES = 32

/** A password that may be set: 8 to 128 code points after NFC, nothing about their kind (NIST SP 800-63B). */
export const NewPassword = z
  .string()
  .max(512)
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')
  .transform((text) => text.normalize('NFC'))
  .refine((text) => within(Array.from(text).length, 8, 128), 'must have 8 to 128 characters')

/** A password that somebody claims to have. */
export const GivenPassword = z.string().min(1).max(512)

const within = (count: number, least: number, most: number) => count >= least && count <= most

export type Passwords = {
  /** @throws HttpRefusal `overloaded` */
  hash: (password: string) => Promise<string>
  /**
   * Without a stored hash (nobody has that name) the answer is no, and takes as long.
   * @throws HttpRefusal `overloaded`
   */
  matches: (password: string, stored: string | undefined) => Promise<boolean>
  /** For the metrics. `derived` counts since the start. */
  load: () => { running: number; waiting: number; derived: number }
}

/**
 * @param cost of new passwords
 * @param parallel derivations at once; more would take the thread pool from files and DNS (it has four threads)
 * @param queue derivations that may wait; beyond that callers are sent away
 */
export const createPasswords = ({ cost = COST, parallel = 2, queue = 50 } = {}): Passwords => {
  const gate = createGate(parallel, queue)
  const nobody: Encoded = { ...cost, salt: randomBytes(SALT_BYTES), tag: randomBytes(TAG_BYTES) }
  return {
    hash: (password) =>
      gate.pass(async () => {
        const salt = randomBytes(SALT_BYTES)
        return encode({ ...cost, salt, tag: await derive(password, { ...cost, salt }, TAG_BYTES) })
      }),
    matches: (password, stored) =>
      gate.pass(async () => {
        const known = stored === undefined ? nobody : decode(stored)
        const equal = timingSafeEqual(await derive(password, known, known.tag.length), known.tag)
        return equal && stored !== undefined
      }),
    load: gate.load,
  }
}

type Encoded = PasswordCost & { salt: Buffer; tag: Buffer }

const argon = promisify(argon2)

const derive = (
  password: string,
  { memoryKib, passes, lanes, salt }: PasswordCost & { salt: Buffer },
  tagLength: number,
) =>
  argon('argon2id', {
    message: Buffer.from(password.normalize('NFC'), 'utf8'),
    nonce: salt,
    parallelism: lanes,
    memory: memoryKib,
    passes,
    tagLength,
  })

/** The PHC string format: base64 without padding, version 19 (1.3). */
const encode = ({ memoryKib, passes, lanes, salt, tag }: Encoded) =>
  `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${base64(salt)}$${base64(tag)}`

const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** @throws when the database holds something else than a hash of ours */
const decode = (stored: string): Encoded => {
  const [, memoryKib, passes, lanes, salt, tag] = PHC.exec(stored) ?? []
  if (!salt || !tag) throw new Error('a stored password hash is not Argon2id in PHC notation')
  return {
    memoryKib: Number(memoryKib),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

/** Lets `parallel` tasks through at once and `queue` more wait, first come first served. */
const createGate = (parallel: number, queue: number) => {
  const waiting: (() => void)[] = []
  let running = 0
  let derived = 0
  const pass = async <Result>(task: () => Promise<Result>): Promise<Result> => {
    if (running >= parallel) {
      if (waiting.length >= queue) throw tooMany(queue / parallel)
      // Whoever leaves hands over the place, so `running` is already right on waking up.
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running += 1
    try {
      derived += 1
      return await task()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
  return { pass, load: () => ({ running, waiting: waiting.length, derived }) }
}

const tooMany = (rounds: number) =>
  new HttpRefusal(
    { code: 'overloaded', message: 'Too many people are signing in; try again shortly' },
    { httpStatus: 429, retryAfterMs: Math.ceil(rounds) * 100 },
  )
