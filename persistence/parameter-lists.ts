/**
 * How the columns of a list are called in the statement, and of which type each is. A list of lists would be a table, so
 * the type `list` travels as text, which the statement casts to `text[]`.
 */
export type Fields = readonly (readonly [name: string, type: string])[]

/** One array for each column, as PostgreSQL reads them: the server then parses every value once, and looks up no names. */
export const arraysOf = (fields: Fields, rows: readonly Readonly<Record<string, unknown>>[]): string[] =>
  fields.map(([name, type]) => {
    const write = WRITERS[type] ?? plain
    let text = '{'
    for (const row of rows) {
      if (text.length > 1) text += ','
      const value = row[name]
      text += value === null || value === undefined ? 'NULL' : write(value)
    }
    return `${text}}`
  })

/** `unnest($3::uuid[], …) as r("id", …)`; the first parameter has the number `from`. */
export const unnestOf = (fields: Fields, from: number): string => {
  const parameters = fields.map(([, type], index) => `$${from + index}::${type === 'list' ? 'text' : type}[]`)
  return `unnest(${parameters.join(', ')}) as r(${fields.map(([name]) => `"${name}"`).join(', ')})`
}

/** UUIDs and instants are text that PostgreSQL checks: one that is none must be refused, and never become two. */
const plain = (value: unknown) => (typeof value === 'string' ? quoted(value) : String(value))

const quoted = (text: string) =>
  text.includes('"') || text.includes('\\') ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : `"${text}"`

/** A document is text without control characters, so that the second time only quotes and backslashes are escaped. */
const document = (value: unknown) => JSON.stringify(JSON.stringify(value))

const list = (values: unknown) => quoted(`{${(values as readonly string[]).map(quoted).join(',')}}`)

const WRITERS: Readonly<Record<string, (value: unknown) => string>> = {
  text: (value) => quoted(String(value)),
  jsonb: document,
  list,
}
