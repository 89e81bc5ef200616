/** One operation on one kind of object in one state: what each of the people is told. */
export type Access<Somebody extends string = string> = {
  thing: string
  state: string
  /** `materials.update`, or with the field that it is tried with: `materials.update: offeringId`. */
  operation: string
  /** `allowed`, or the code of the refusal; of lists, `not_found` means that the object is not in them. */
  verdicts: Readonly<Record<Somebody, string>>
}

/** An operation, and the verdicts in the order of the people. */
export type Line = readonly [operation: string, ...verdicts: string[]]

type Objects = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Makes the lines of one kind of object, of which every state has to be there. */
export const linesOf =
  <Somebody extends string, All extends Objects>(people: Readonly<Record<Somebody, string>>, objects: All) =>
  <Thing extends keyof All & string>(
    thing: Thing,
    lines: Readonly<Record<keyof All[Thing] & string, readonly Line[]>>,
  ): Access<Somebody>[] =>
    Object.keys(objects[thing]!).flatMap((state) =>
      lines[state as keyof typeof lines].map(([operation, ...verdicts]) => {
        const entries = Object.keys(people).map((somebody, index) => [somebody, verdicts[index]!])
        const told = Object.fromEntries(entries) as Access<Somebody>['verdicts']
        return { thing, state, operation, verdicts: told }
      }),
    )
