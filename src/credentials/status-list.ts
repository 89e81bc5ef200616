import { createCipheriv, hkdfSync } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'

/** Where a credential's bit is: which list, and which place in it. */
export type StatusPlace = { list: number; index: number }

export type StatusPurpose = 'revocation' | 'suspension'

/** As many as the W3C asks for at least: one bit among them tells little. */
export const LIST_ENTRIES = 131_072

/** A client may remember a list for so long. */
export const LIST_TTL_MS = 30_000

export type StatusPlaces = {
  /** Of an entry: the whole number that the database gave to a credential when it was made. */
  of: (entry: number) => StatusPlace
}

/** Permutations of so many lists are kept in memory, half a megabyte each. */
const MOST_LISTS = 8

/**
 * Within its list, an entry's place is where a permutation puts it that only the secret knows: neighbours in time are no
 * neighbours in the list, so that the place says nothing of when a credential was made, or of how many there are.
 */
export const createStatusPlaces = (secret: Buffer): StatusPlaces => {
  const permutations = new Map<number, Uint32Array>()
  const permutationOf = (list: number) => {
    const known = permutations.get(list)
    if (known) return known
    const made = permutation(Buffer.from(hkdfSync('sha256', secret, '', `laurel status list ${list}`, 32)))
    const [oldest] = permutations.keys()
    if (permutations.size >= MOST_LISTS && oldest !== undefined) permutations.delete(oldest)
    permutations.set(list, made)
    return made
  }
  return {
    of: (entry) => {
      const list = Math.floor(entry / LIST_ENTRIES)
      return { list, index: permutationOf(list)[entry % LIST_ENTRIES]! }
    },
  }
}

/** Fisher and Yates, with a stream of AES in counter mode for the dice. */
const permutation = (key: Buffer): Uint32Array => {
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(LIST_ENTRIES * 4))
  const places = Uint32Array.from({ length: LIST_ENTRIES }, (_, place) => place)
  for (let last = LIST_ENTRIES - 1; last > 0; last--) {
    // A remainder of 32 bits prefers no place by more than one in thirty thousand, and nothing is hidden by that.
    const other = stream.readUInt32LE(last * 4) % (last + 1)
    const moved = places[last]!
    places[last] = places[other]!
    places[other] = moved
  }
  return places
}

/** Multibase (`u`: base64url without padding) of the compressed bits, the first entry in the highest bit. */
export const encodeList = (indexes: Iterable<number>): string => {
  const bits = Buffer.alloc(LIST_ENTRIES / 8)
  for (const index of indexes) bits[index >> 3]! |= 0x80 >> (index & 7)
  // Node writes no time into the header, so that equal bits have equal texts.
  return `u${gzipSync(bits, { level: 9 }).toString('base64url')}`
}

/** A list of ours or of others may be larger than the least, though not without end. Bytes. */
const MOST_LIST_BYTES = 16 * 1024 * 1024

/**
 * The bits of a list.
 * @throws when the text is no compressed bitstring, or is too long
 */
export const decodeList = (encoded: string): Buffer =>
  gunzipSync(Buffer.from(encoded.replace(/^u/, ''), 'base64url'), { maxOutputLength: MOST_LIST_BYTES })

/** @throws RangeError when the list has no such entry */
export const bitOf = (bits: Buffer, index: number): boolean => {
  const byte = bits[Math.floor(index / 8)]
  if (!Number.isSafeInteger(index) || byte === undefined) throw new RangeError('the list has no such entry')
  return (byte & (0x80 >> (index % 8))) !== 0
}
