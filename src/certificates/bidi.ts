/** A piece of a line that is drawn in one go, with its letters in the order in which they are read. */
export type Piece = { text: string; script: 'arabic' | 'other' }

type Direction = 'L' | 'R' | 'number' | 'neutral'

const RIGHT_TO_LEFT = /[\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}]/u

/** Also what is common to several scripts, but stands in the font of this one: its digits, its comma. */
const ARABIC = /[\u0600-\u06FF\u0750-\u077F\u0870-\u08FF\uFB50-\uFDFF\uFE70-\uFEFC]/u

/** What is mirrored where it is read from right to left. */
const MIRRORED: Readonly<Record<string, string>> = {
  '(': ')',
  ')': '(',
  '[': ']',
  ']': '[',
  '{': '}',
  '}': '{',
  '<': '>',
  '>': '<',
  '«': '»',
  '»': '«',
}

/**
 * One line in the order in which its pieces stand on paper, from left to right: the Unicode Bidirectional Algorithm
 * (UAX #9) without its control characters, which names and titles do not have. The PDF library shapes Arabic letters and
 * turns the letters of one word; the order of words and of numbers is left to its caller.
 */
export const inVisualOrder = (line: string): Piece[] => {
  const letters = Array.from(line)
  const levels = levelsOf(letters)
  const runs: { level: number; text: string }[] = []
  letters.forEach((letter, index) => {
    const level = levels[index]!
    const last = runs.at(-1)
    if (last && last.level === level) last.text += letter
    else runs.push({ level, text: letter })
  })
  return reordered(runs).flatMap(({ level, text }) => (level % 2 === 0 ? piecesOf(text) : turned(text)))
}

/** Even levels are read from left to right, odd ones from right to left. */
const levelsOf = (letters: readonly string[]): number[] => {
  const kinds = letters.map(kindOf)
  // A mark belongs to the letter before it.
  letters.forEach((letter, index) => {
    if (index > 0 && /\p{M}/u.test(letter)) kinds[index] = kinds[index - 1]!
  })
  const base = kinds.find((kind) => kind === 'L' || kind === 'R') ?? 'L'
  joinNumbers(letters, kinds)
  settleNumbers(kinds, base)
  settleNeutrals(kinds, base)
  const level = base === 'L' ? { L: 0, R: 1, number: 2 } : { L: 2, R: 1, number: 2 }
  return kinds.map((kind) => (kind === 'neutral' ? 0 : level[kind]))
}

const kindOf = (letter: string): Direction => {
  if (/\p{Nd}/u.test(letter)) return 'number'
  if (RIGHT_TO_LEFT.test(letter) && /[\p{L}\p{M}]/u.test(letter)) return 'R'
  return /\p{L}/u.test(letter) ? 'L' : 'neutral'
}

/** `1.5`, `2026/27` and `-3` are one number each. */
const joinNumbers = (letters: readonly string[], kinds: Direction[]) => {
  for (let index = 1; index < kinds.length - 1; index++)
    if (/[.,:/+-]/.test(letters[index]!) && kinds[index - 1] === 'number' && kinds[index + 1] === 'number')
      kinds[index] = 'number'
}

/** A number behind words that are read from left to right is like one of them. */
const settleNumbers = (kinds: Direction[], base: 'L' | 'R') => {
  let before: 'L' | 'R' = base
  kinds.forEach((kind, index) => {
    if (kind === 'L' || kind === 'R') before = kind
    else if (kind === 'number' && before === 'L') kinds[index] = 'L'
  })
}

/** Spaces and signs go with what is on both sides of them, or with the line. */
const settleNeutrals = (kinds: Direction[], base: 'L' | 'R') => {
  const sideOf = (kind: Direction | undefined) => (kind === 'number' ? 'R' : (kind ?? base))
  for (let from = 0; from < kinds.length; from++) {
    if (kinds[from] !== 'neutral') continue
    let to = from
    while (kinds[to] === 'neutral') to++
    const before = sideOf(kinds[from - 1])
    const direction = before === sideOf(kinds[to]) ? before : base
    kinds.fill(direction, from, to)
    from = to
  }
}

/** The rule L2: from the highest level to 1, whatever stands at that level or above is turned around. */
const reordered = <Run extends { level: number }>(runs: readonly Run[]): Run[] => {
  let order = [...runs]
  const highest = Math.max(0, ...runs.map(({ level }) => level))
  for (let level = highest; level > 0; level--) {
    const next: Run[] = []
    let group: Run[] = []
    for (const run of order) {
      if (run.level >= level) group.unshift(run)
      else {
        next.push(...group, run)
        group = []
      }
    }
    order = [...next, ...group]
  }
  return order
}

/** In pieces of one font each. */
const piecesOf = (text: string): Piece[] => {
  const pieces: Piece[] = []
  for (const letter of text) {
    const script = ARABIC.test(letter) ? 'arabic' : 'other'
    const last = pieces.at(-1)
    if (last && last.script === script) last.text += letter
    else pieces.push({ text: letter, script })
  }
  return pieces
}

/** Word by word from the last to the first; the letters of a word of such a script are turned where it is drawn. */
const turned = (text: string): Piece[] => {
  const words = text.match(/\s+|[^\s\p{P}\p{S}]+|[\p{P}\p{S}]+/gu) ?? []
  return words.toReversed().flatMap((word) =>
    RIGHT_TO_LEFT.test(word)
      ? [{ text: word, script: ARABIC.test(word) ? ('arabic' as const) : ('other' as const) }]
      : piecesOf(
          Array.from(word, (letter) => MIRRORED[letter] ?? letter)
            .toReversed()
            .join(''),
        ),
  )
}
