/**
 * Takes published messages out of what a Redis server sends on one connection, whole frame by whole frame, so that the
 * rest stays in step. Understands RESP 2 and 3.
 */
export const createPublicationFilter = (drops: () => boolean): ((bytes: Buffer) => Buffer) => {
  let rest: Buffer = Buffer.alloc(0)
  return (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const kept: Buffer[] = []
    /** From here on nothing has been decided. */
    let from = 0
    /** What lies between here and the next frame is kept. */
    let keptFrom = 0
    for (let end = frameEnd(all, 0); end !== undefined; end = frameEnd(all, end)) {
      if (isPublication(all, from, end) && drops()) {
        kept.push(all.subarray(keptFrom, from))
        keptFrom = end
      }
      from = end
    }
    kept.push(all.subarray(keptFrom, from))
    rest = Buffer.from(all.subarray(from))
    return kept.length === 1 ? kept[0]! : Buffer.concat(kept)
  }
}

const PUBLICATION = /^[*>][34]\r\n\$[78]\r\n[ps]?message\r\n/

const isPublication = (bytes: Buffer, from: number, end: number) =>
  PUBLICATION.test(bytes.toString('latin1', from, Math.min(end, from + 20)))

/** Where the frame that begins at `from` ends; `undefined` while some of it has not arrived. */
const frameEnd = (bytes: Buffer, from: number): number | undefined => {
  const line = bytes.indexOf('\r\n', from, 'latin1')
  if (line === -1) return undefined
  const start = line + 2
  const kind = String.fromCharCode(bytes[from]!)
  if ('+-:_,#('.includes(kind)) return start
  const size = Number(bytes.toString('latin1', from + 1, line))
  if (size === -1) return start
  if ('$=!'.includes(kind)) return start + size + 2 <= bytes.length ? start + size + 2 : undefined
  if (!'*~>%|'.includes(kind)) throw new Error(`Redis sent a frame of the unknown kind ${kind}`)
  let end: number | undefined = start
  for (let left = '%|'.includes(kind) ? 2 * size : size; left > 0 && end !== undefined; left--)
    end = frameEnd(bytes, end)
  return end
}
