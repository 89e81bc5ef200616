/** The fields that a message from a client gives, of those that there are. */
export const givenOf = <Fields extends object>(
  given: { readonly [Name in keyof Fields]?: Fields[Name] | undefined },
  names: readonly (keyof Fields & string)[],
): Partial<Fields> => {
  const fields: Partial<Fields> = {}
  for (const name of names) if (given[name] !== undefined) fields[name] = given[name]
  return fields
}
