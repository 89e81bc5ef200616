/** JSON as block-style YAML 1.2. Text stays in JSON's quotes, which YAML reads as JSON does. */
export const yaml = (value: unknown): string => block(value, '').trimStart()

const block = (value: unknown, indent: string): string => {
  if (Array.isArray(value) && value.length > 0)
    return `\n${value.map((item) => `${indent}- ${block(item, `${indent}  `).trimStart()}`).join('')}`
  if (isFilled(value)) {
    const entries = Object.entries(value).filter(([, child]) => child !== undefined)
    return `\n${entries.map(([key, child]) => `${indent}${keyOf(key)}:${block(child, `${indent}  `)}`).join('')}`
  }
  return ` ${JSON.stringify(value)}\n`
}

const isFilled = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

/** Words that some reader of YAML takes for something else than text. */
const NOT_PLAIN = /^(true|false|null|yes|no|on|off|y|n)$/i

const keyOf = (key: string) =>
  /^[A-Za-z][\w-]*$/.test(key) && !NOT_PLAIN.test(key) ? key : JSON.stringify(key)
