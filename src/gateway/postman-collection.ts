import type { JsonSchema } from './json-schema.ts'
import type { OpenApi } from './open-api.ts'

/** What Postman and its relatives import: folders of requests, in the format 2.1 of collections. */
export type PostmanCollection = {
  info: { name: string; description: string; schema: string }
  auth: object
  variable: readonly { key: string; value: string }[]
  item: readonly { name: string; description?: string; item: readonly object[] }[]
}

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/** The operations of an OpenAPI document as requests, with the address of a server in `{{baseUrl}}`. */
export const postmanCollection = (
  { info, tags, paths }: Pick<OpenApi, 'info' | 'tags' | 'paths'>,
  baseUrl: string,
): PostmanCollection => {
  const requests = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      tag: (operation['tags'] as string[])[0],
      request: itemOf(method, path, operation),
    })),
  )
  return {
    info: { name: info.title, description: info.description, schema: SCHEMA },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}', type: 'string' }] },
    variable: [
      { key: 'baseUrl', value: baseUrl },
      { key: 'token', value: '' },
    ],
    item: tags.map((tag) => ({
      ...tag,
      item: requests.filter((one) => one.tag === tag.name).map(({ request }) => request),
    })),
  }
}

type Parameter = { name: string; in: string; required?: boolean; description?: string; schema: JsonSchema }

const itemOf = (method: string, path: string, operation: JsonSchema) => {
  const parameters = (operation['parameters'] as Parameter[]).filter((parameter) => 'name' in parameter)
  const segments = path.slice(1).split('/')
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const variables = segments.flatMap((segment) => /^\{(\w+)\}$/.exec(segment)?.[1] ?? [])
  const shown = segments.map((segment) => segment.replace(/^\{(\w+)\}$/, ':$1'))
  return {
    name: operation['summary'],
    request: {
      method: method.toUpperCase(),
      header: [],
      ...(isOpen(operation) ? { auth: { type: 'noauth' } } : {}),
      url: {
        raw: `{{baseUrl}}/${shown.join('/')}`,
        host: ['{{baseUrl}}'],
        path: shown,
        variable: variables.map((key) => ({ key, value: '' })),
        // Each is there to be switched on.
        query: query.map(({ name: key, description = null, required, schema }) => ({
          key,
          value: String(required ? exampleOf(schema) : ''),
          description,
          disabled: !required,
        })),
      },
      ...bodyOf(operation['requestBody'] as RequestBody | undefined),
    },
    response: [],
  }
}

/** Nobody has to be signed in, or nobody can be. */
const isOpen = ({ security }: JsonSchema) => Array.isArray(security) && security.length === 0

type RequestBody = { content: Record<string, { schema: JsonSchema }> }

const bodyOf = (body: RequestBody | undefined) => {
  const [type, content] = Object.entries(body?.content ?? {})[0] ?? []
  if (!type || !content) return {}
  const isJson = type === 'application/json'
  return {
    header: [{ key: 'Content-Type', value: type }],
    body: {
      mode: 'raw',
      raw: isJson ? JSON.stringify(exampleOf(content.schema), null, 2) : '',
      options: { raw: { language: isJson ? 'json' : 'text' } },
    },
  }
}

const OF_FORMATS: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-4000-8000-000000000000',
  'date-time': '2026-01-31T12:00:00.000Z',
  email: 'somebody@example.test',
  uri: 'https://example.test/',
}

/** Something of the shape that a schema asks for: what is required, as small as it may be. */
const exampleOf = (schema: JsonSchema): unknown => {
  const { type, properties = {}, required = [], enum: values, anyOf, format = '' } = schema
  if ('const' in schema) return schema['const']
  if ('default' in schema) return schema['default']
  if (values) return values[0]
  if (anyOf?.[0]) return exampleOf(anyOf[0])
  if (type === 'object')
    return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {})]))
  if (type === 'string') return OF_FORMATS[format] ?? 'text'
  if (type === 'integer' || type === 'number') return Number(schema['minimum'] ?? 0)
  return type === 'array' ? [] : (OF_TYPES[String(type)] ?? null)
}

const OF_TYPES: Readonly<Record<string, unknown>> = { boolean: false }
