/** A leaf of laurel, sixteen pixels square. */
const LEAF = [
  '................',
  '...........####.',
  '.........######.',
  '.......######o#.',
  '......######o##.',
  '.....######o###.',
  '....######o####.',
  '....#####o####..',
  '...#####o#####..',
  '...####o#####...',
  '...###o#####....',
  '...##o####......',
  '...#o###........',
  '...o............',
  '..o.............',
  '.o..............',
]

/** Blue, green, red, opacity: as the format has them. */
const COLOURS: Readonly<Record<string, readonly number[]>> = {
  '.': [0, 0, 0, 0],
  '#': [0x40, 0x66, 0x0a, 0xff],
  o: [0xb8, 0xd8, 0xa6, 0xff],
}

const SIDE = LEAF.length
const HEADER_BYTES = 40
const OFFSET = 6 + 16

/** `/favicon.ico`: one picture of 32 bits for each pixel, with the rows from the bottom up, and a mask that hides nothing. */
export const favicon = (): Buffer => {
  const pixels = Buffer.from(
    LEAF.toReversed().flatMap((row) => Array.from(row).flatMap((pixel) => COLOURS[pixel]!)),
  )
  const mask = Buffer.alloc(SIDE * 4)
  const header = Buffer.alloc(OFFSET + HEADER_BYTES)
  header.writeUInt16LE(1, 2) // an icon
  header.writeUInt16LE(1, 4) // of one picture
  header.writeUInt8(SIDE, 6)
  header.writeUInt8(SIDE, 7)
  header.writeUInt16LE(1, 10) // colour planes
  header.writeUInt16LE(32, 12) // bits of a pixel
  header.writeUInt32LE(HEADER_BYTES + pixels.length + mask.length, 14)
  header.writeUInt32LE(OFFSET, 18)
  header.writeUInt32LE(HEADER_BYTES, OFFSET)
  header.writeInt32LE(SIDE, OFFSET + 4)
  header.writeInt32LE(2 * SIDE, OFFSET + 8) // the picture and its mask
  header.writeUInt16LE(1, OFFSET + 12)
  header.writeUInt16LE(32, OFFSET + 14)
  header.writeUInt32LE(pixels.length + mask.length, OFFSET + 20)
  return Buffer.concat([header, pixels, mask])
}
