/** Lines that fit, and how large they may be. */
export type Fitted = { lines: string[]; size: number }

type Room = {
  /** How wide a line may be. */
  width: number
  /** The size that is used when there is room enough. */
  size: number
  /** Below this size two lines are better than one. */
  breakBelow: number
  /** How wide a text is at size 1. */
  widthOf: (text: string) => number
}

/** A text of one line or two, as large as its room allows: a long name is never cut off. */
export const fit = (text: string, { width, size, breakBelow, widthOf }: Room): Fitted => {
  const sizeOf = (lines: readonly string[]) => Math.min(size, width / Math.max(...lines.map(widthOf)))
  const whole = [text]
  const sizeOfWhole = sizeOf(whole)
  if (sizeOfWhole >= breakBelow) return { lines: whole, size: sizeOfWhole }
  const words = text.split(' ')
  const between = words.slice(1).map((_, index) => {
    return [words.slice(0, index + 1).join(' '), words.slice(index + 1).join(' ')]
  })
  const halves = between.length > 0 ? between : [inHalf(text)]
  const candidates = [whole, ...halves].map((lines) => ({ lines, size: sizeOf(lines) }))
  return candidates.reduce((best, one) => (one.size > best.size ? one : best))
}

/** What has no place to break it. */
const inHalf = (word: string): string[] => {
  const letters = Array.from(word)
  const middle = Math.ceil(letters.length / 2)
  return [letters.slice(0, middle).join(''), letters.slice(middle).join('')]
}
