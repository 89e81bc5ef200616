/** Line work as printers of securities draw it: waves around the page, and rosettes. All in points. */

type Point = { x: number; y: number }

/** Points for each point of length: finer than a printer shows. */
const STEP = 1.3

/** A wave from one point to another, with a whole number of periods of about `period`. */
const wave = (from: Point, to: Point, { period, height, phase }: Wave): Point[] => {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const along = { x: (to.x - from.x) / length, y: (to.y - from.y) / length }
  const periods = Math.round(length / period)
  const count = Math.ceil(length / STEP)
  return Array.from({ length: count + 1 }, (_, index) => {
    const at = (index / count) * length
    const off = height * Math.sin((2 * Math.PI * periods * at) / length + phase)
    return { x: from.x + along.x * at - along.y * off, y: from.y + along.y * at + along.x * off }
  })
}

type Wave = { period: number; height: number; phase: number }

/** Waves around a frame whose middle line is so far from the edge of the page. */
export const braid = (width: number, height: number, inset: number, shape: Wave): Point[] => {
  const [left, top, right, bottom] = [inset, inset, width - inset, height - inset]
  const corners = [
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ]
  return corners.flatMap((corner, index) => wave(corner, corners[(index + 1) % 4]!, shape))
}

/** A closed curve with so many petals. */
export const rosette = (
  center: Point,
  radius: number,
  { petals, depth, turn = 0 }: { petals: number; depth: number; turn?: number },
): Point[] => {
  const count = petals * 20
  return Array.from({ length: count }, (_, index) => {
    const angle = (2 * Math.PI * index) / count
    const from = radius * (1 - depth / 2 + (depth / 2) * Math.cos(petals * angle + turn))
    return { x: center.x + from * Math.cos(angle), y: center.y + from * Math.sin(angle) }
  })
}

/** A star with so many points. */
export const star = (center: Point, radius: number, points: number): Point[] =>
  Array.from({ length: points * 2 }, (_, index) => {
    const angle = (Math.PI * index) / points - Math.PI / 2
    const from = index % 2 === 0 ? radius : radius * 0.45
    return { x: center.x + from * Math.cos(angle), y: center.y + from * Math.sin(angle) }
  })
