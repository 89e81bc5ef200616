/** How many letters are missing, too many, wrong or exchanged with their neighbour (optimal string alignment). */
export const editDistance = (one: string, other: string): number => {
  const [from, to] = [Array.from(one), Array.from(other)]
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  from.forEach((letter, index) => {
    const next = [index + 1]
    to.forEach((wanted, column) => {
      const isSwapped = letter === to[column - 1] && from[index - 1] === wanted
      next.push(
        Math.min(
          row[column]! + (letter === wanted ? 0 : 1),
          row[column + 1]! + 1,
          next[column]! + 1,
          isSwapped ? before[column - 1]! + 1 : Infinity,
        ),
      )
    })
    before = row
    row = next
  })
  return row[to.length]!
}
