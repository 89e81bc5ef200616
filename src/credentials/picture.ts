import { hash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import type { CredentialFacts } from './facts.ts'
import { pngOf } from './bake.ts'

/** A medal in one of a few colours, so that there is something to bake into. It needs no font and no library. */

type Colour = readonly [red: number, green: number, blue: number]

const PAPER: Colour = [0xff, 0xfd, 0xf6]
const LEAF: Colour = [0x0a, 0x66, 0x40]
const SIDE = 400
const CENTRE = SIDE / 2

/** Rings of dark colours on which white can be read; what was awarded for the same has the same. */
const RINGS: readonly Colour[] = [
  [0x0b, 0x57, 0xa4],
  [0x5b, 0x3a, 0x9e],
  [0x8a, 0x3b, 0x12],
  [0x0a, 0x66, 0x40],
  [0x7a, 0x1f, 0x4f],
  [0x1f, 0x4e, 0x5f],
]

const ringOf = ({ achievementId }: Pick<CredentialFacts, 'achievementId'>): Colour =>
  RINGS[Buffer.from(hash('sha256', achievementId, 'hex'), 'hex')[0]! % RINGS.length]!

/** Leaves of a wreath: where each stands, and which way it points. */
const LEAVES = Array.from({ length: 14 }, (_, index) => {
  const side = index % 2 === 0 ? 1 : -1
  const step = Math.floor(index / 2)
  // From the foot of the wreath upwards, on both sides.
  const turn = Math.PI / 2 + side * (0.32 + step * 0.36)
  const angle = turn + side * (Math.PI / 2 - 0.5)
  return {
    x: CENTRE + Math.cos(turn) * 104,
    y: CENTRE + Math.sin(turn) * 104,
    angle,
    cos: Math.cos(angle),
    sin: Math.sin(angle),
  }
})

const LEAF_LENGTH = 32
const LEAF_WIDTH = 11

/** How far outside of the nearest leaf a point is, in pixels; negative within. */
const fromLeaves = (x: number, y: number) => {
  let nearest = Infinity
  for (const leaf of LEAVES) {
    const [dx, dy] = [x - leaf.x, y - leaf.y]
    if (Math.abs(dx) > LEAF_LENGTH + 2 || Math.abs(dy) > LEAF_LENGTH + 2) continue
    const along = (dx * leaf.cos + dy * leaf.sin) / LEAF_LENGTH
    const across = (dy * leaf.cos - dx * leaf.sin) / LEAF_WIDTH
    nearest = Math.min(nearest, (Math.sqrt(along * along + across * across) - 1) * LEAF_WIDTH)
  }
  return nearest
}

/** A star of five points in the middle. */
const fromStar = (x: number, y: number) => {
  const [dx, dy] = [x - CENTRE, y - CENTRE]
  const turn = (Math.atan2(dx, -dy) + 2 * Math.PI) % ((2 * Math.PI) / 5)
  const folded = Math.abs(turn - Math.PI / 5)
  const [outer, inner] = [58, 24]
  const radius = Math.hypot(dx, dy)
  const [px, py] = [radius * Math.cos(Math.PI / 5 - folded), radius * Math.sin(Math.PI / 5 - folded)]
  const [ix, iy] = [inner * Math.cos(Math.PI / 5), inner * Math.sin(Math.PI / 5)]
  // The edge goes from the point (outer, 0) to the notch (ix, iy).
  const [ex, ey] = [ix - outer, iy]
  return ((px - outer) * ey - py * ex) / Math.hypot(ex, ey)
}

const cover = (distance: number) => Math.min(1, Math.max(0, 0.5 - distance))

const drawn = new Map<Colour, Buffer>()

/** @returns the picture as a PNG of 400 × 400 pixels, around which it is transparent */
export const medalPng = (facts: Pick<CredentialFacts, 'achievementId'>): Buffer => {
  const ring = ringOf(facts)
  const known = drawn.get(ring) ?? draw(ring)
  drawn.set(ring, known)
  return known
}

const draw = (ring: Colour): Buffer => {
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 4))
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) rows.set(pixelOf(x + 0.5, y + 0.5, ring), y * (1 + SIDE * 4) + 1 + x * 4)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIDE, 0)
  header.writeUInt32BE(SIDE, 4)
  header.set([8, 6, 0, 0, 0], 8) // eight bits a channel, with opacity
  return pngOf([
    { type: 'IHDR', data: header },
    { type: 'IDAT', data: deflateSync(rows, { level: 9 }) },
    { type: 'IEND', data: Buffer.alloc(0) },
  ])
}

/** Red, green, blue and opacity, with soft edges. */
const pixelOf = (x: number, y: number, ring: Colour): number[] => {
  const fromCentre = Math.hypot(x - CENTRE, y - CENTRE)
  const paper = cover(fromCentre - 176)
  const inRing = cover(Math.abs(fromCentre - 158) - 8)
  const leaf = fromCentre < 150 ? cover(fromLeaves(x, y)) : 0
  const star = fromCentre < 60 ? cover(fromStar(x, y)) : 0
  const channel = (part: 0 | 1 | 2) => {
    let value = ring[part] + (PAPER[part] - ring[part]) * paper
    value += (ring[part] - value) * inRing
    value += (LEAF[part] - value) * leaf
    return Math.round(value + (ring[part] - value) * star)
  }
  return [channel(0), channel(1), channel(2), Math.round(cover(fromCentre - 190) * 255)]
}

const css = (colour: Colour) => `rgb(${colour.join(' ')})`

/** The same as an SVG, with its title for those who do not see it. */
export const medalSvg = (facts: Pick<CredentialFacts, 'achievementId' | 'title'>): string => {
  const ring = css(ringOf(facts))
  const leaves = LEAVES.map(
    ({ x, y, angle }) =>
      `<ellipse rx="${LEAF_LENGTH}" ry="${LEAF_WIDTH}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${((angle * 180) / Math.PI).toFixed(1)})"/>`,
  ).join('')
  const star = Array.from({ length: 10 }, (_, index) => {
    const radius = index % 2 === 0 ? 58 : 24
    const turn = (index * Math.PI) / 5
    return `${(CENTRE + Math.sin(turn) * radius).toFixed(1)},${(CENTRE - Math.cos(turn) * radius).toFixed(1)}`
  }).join(' ')
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}" role="img">
<title>${escaped(facts.title)}</title>
<circle cx="${CENTRE}" cy="${CENTRE}" r="190" fill="${ring}"/>
<circle cx="${CENTRE}" cy="${CENTRE}" r="176" fill="${css(PAPER)}"/>
<circle cx="${CENTRE}" cy="${CENTRE}" r="158" fill="none" stroke="${ring}" stroke-width="16"/>
<g fill="${css(LEAF)}">${leaves}</g>
<polygon points="${star}" fill="${ring}"/>
</svg>
`
}

/** Text in HTML and in XML. */
export const escaped = (raw: string): string =>
  raw
    // XML has no such characters, not even written as numbers.
    .replaceAll(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '')
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
