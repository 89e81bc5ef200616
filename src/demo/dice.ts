/** Chance that falls the same way each time. */
export type Dice = {
  /** From `least` to less than `most`. */
  between: (least: number, most: number) => number
  oneOf: <Item>(items: readonly Item[]) => Item
}

/** Mulberry32: four lines, and good enough to scatter dates. */
export const createDice = (seed: number): Dice => {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    between: (least, most) => least + next() * (most - least),
    oneOf: (items) => items[Math.floor(next() * items.length)]!,
  }
}

export const RENEWAL_NOTES = [
  'Refresher course completed',
  'Renewed after the annual training day',
  'New certificate seen by the coordinator',
  'Renewed online, certificate attached to the file',
]

export const SUSPENSION_REASONS = [
  'Certificate is being checked with the issuer',
  'Complaint under review',
  'Background check is due',
]

const FIRST_NAMES =
  'Amina Bruno Chidi Daria Emeka Farah Grace Hugo Ifeoma Jonas Kemi Lars Maya Nnamdi Olga Priya Quentin Rosa Sami Tunde Uma Victor Wanjiru Ximena Yusuf Zoë'.split(
    ' ',
  )
const LAST_NAMES =
  'Adeyemi Bello Carvalho Diallo Eze Fischer Garcia Haddad Ibrahim Jansen Kowalski Lindqvist Mensah Novák Okafor Patel Quist Rossi Suleiman Tanaka Ude Vargas Weber Yılmaz Zhang'.split(
    ' ',
  )

/** @param index from 0 to 649; each has a name of its own. */
export const personName = (index: number): string =>
  `${FIRST_NAMES[index % FIRST_NAMES.length]} ${LAST_NAMES[(index * 7 + Math.floor(index / FIRST_NAMES.length)) % LAST_NAMES.length]}`
