import { z } from 'zod'

export type JsonSchema = {
  type?: string | string[]
  format?: string
  description?: string
  enum?: readonly unknown[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  [keyword: string]: unknown
}

/** Schemas that stand under a name of their own, with the reference that takes their place elsewhere. */
export type References = ReadonlyMap<z.ZodType, string>

/**
 * JSON Schema, draft 2020-12. What clients send is described exactly; what they get may have more fields one day, so
 * nothing is said against unknown ones.
 */
export const jsonSchema = (
  schema: z.ZodType,
  io: 'input' | 'output',
  references: References = new Map(),
): JsonSchema => {
  const made = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: part }) => {
      const reference = references.get(zodSchema as never)
      if (reference) {
        for (const key of Object.keys(part)) delete part[key as keyof typeof part]
        part.$ref = reference
      }
      // The format says the same, in fewer than 300 characters.
      if (part.format) delete part.pattern
      if (io === 'output') delete part.additionalProperties
    },
  })
  delete made.$schema // The documents name the dialect once.
  return made as JsonSchema
}

/** `peer-mentor`, `peerMentor` → `PeerMentor`. */
export const pascal = (name: string): string =>
  name.replace(/(?:^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
