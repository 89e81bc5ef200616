import type { CanvasElement, CanvasRect, Content } from 'pdfmake/interfaces.js'
import { braid, rosette, star } from './ornaments.ts'

/** What is on every certificate, whoever it is for. */

export const INK = '#1c2b33'
export const TEAL = '#1f4e5f'
const GOLD = '#a9853a'
export const GREY = '#5b6870'
export const PAPER = '#fffdf8'

/** How much of the page belongs to the foot. */
export const FOOT = 176

type Points = { x: number; y: number }[]

const drawn = (points: Points, lineColor: string, lineWidth: number, strokeOpacity = 1): CanvasElement => ({
  type: 'polyline',
  points,
  closePath: true,
  lineColor,
  lineWidth,
  strokeOpacity,
})

const filled = (points: Points, color: string): CanvasElement => ({
  type: 'polyline',
  points,
  closePath: true,
  color,
})

const rectangle = (inset: number, width: number, height: number): CanvasRect => ({
  type: 'rect',
  x: inset,
  y: inset,
  w: width - 2 * inset,
  h: height - 2 * inset,
})

/** Paper, the braid between two lines, rosettes on its corners, and the seal. */
export const frameOf = (width: number, height: number): CanvasElement[] => {
  const corners = [44, width - 44].flatMap((x) => [44, height - 44].map((y) => ({ x, y })))
  const seal = { x: width / 2, y: height - FOOT + 62 }
  return [
    { ...rectangle(0, width, height), color: PAPER },
    { ...rectangle(28, width, height), lineColor: TEAL, lineWidth: 1.6 },
    ...[0, 1, 2, 3].map((index) =>
      drawn(
        braid(width, height, 44, { period: 26, height: 10 - index, phase: (index * Math.PI) / 2 }),
        index % 2 === 0 ? TEAL : GOLD,
        0.45,
        0.75,
      ),
    ),
    { ...rectangle(60, width, height), lineColor: GOLD, lineWidth: 0.8 },
    ...corners.flatMap((center) => [
      filled(rosette(center, 21, { petals: 16, depth: 0.06 }), PAPER),
      drawn(rosette(center, 21, { petals: 16, depth: 0.06 }), TEAL, 0.8),
      ...[0, 1, 2].map((turn) =>
        drawn(rosette(center, 18, { petals: 9, depth: 0.7, turn: (turn * 2 * Math.PI) / 3 }), GOLD, 0.4),
      ),
    ]),
    ...[0, 1, 2, 3].map((turn) =>
      drawn(rosette(seal, 44, { petals: 24, depth: 0.3, turn: (turn * Math.PI) / 2 }), GOLD, 0.5),
    ),
    ...[0, 1, 2].map((turn) =>
      drawn(rosette(seal, 33, { petals: 12, depth: 0.36, turn: (turn * 2 * Math.PI) / 3 }), TEAL, 0.45),
    ),
    filled(rosette(seal, 20, { petals: 20, depth: 0.05 }), TEAL),
    filled(star(seal, 10.5, 5), PAPER),
  ]
}

/** A thin line that ends in points, with a lozenge in its middle. */
export const ruleOf = (middle: number, y: number): Content => ({
  canvas: [filled(lozenge(middle, y, 170, 0.7), GOLD), filled(lozenge(middle, y, 5, 3), GOLD)],
  absolutePosition: { x: 0, y: 0 },
})

const lozenge = (x: number, y: number, width: number, height: number) => [
  { x: x - width, y },
  { x, y: y - height },
  { x: x + width, y },
  { x, y: y + height },
]
