import { z } from 'zod'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { SHARED_ERROR_CODES } from '../../contracts/protocol.ts'
import { Id } from '../../contracts/scalars.ts'
import { jsonSchema, pascal, type JsonSchema, type References } from './json-schema.ts'
import { PROTOCOL_VERSION, type RouteDocument } from './route.ts'

export type OpenApi = {
  openapi: '3.1.0'
  info: { title: string; description: string } & Record<string, unknown>
  tags: { name: string; description?: string }[]
  paths: Record<string, Record<string, JsonSchema>>
  components: { schemas: Record<string, JsonSchema> } & Record<string, object>
} & Record<string, unknown>

/** Describes routes, in OpenAPI 3.1. */
export const openApi = (
  definitions: readonly AnyActorDefinition[],
  routes: readonly RouteDocument[],
): OpenApi => {
  const references: References = new Map(
    definitions.map(({ contract }) => [contract.view, `#/components/schemas/${pascal(contract.actor)}`]),
  )
  const paths: OpenApi['paths'] = {}
  for (const route of routes)
    (paths[pathOf(route)] ??= {})[route.method.toLowerCase()] = operationOf(route, references)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Laurel',
      version: PROTOCOL_VERSION,
      summary: 'Learning, credentials and payments',
      description:
        'The same commands and queries as over Socket.IO, which asyncapi.json describes together with the events.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    tags: tagsOf(definitions, routes),
    paths,
    components: {
      schemas: {
        ...Object.fromEntries(
          definitions.map(({ contract }) => [pascal(contract.actor), jsonSchema(contract.view, 'output')]),
        ),
        Failure: jsonSchema(Failure, 'output'),
      },
      parameters: PARAMETERS,
      responses: RESPONSES,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

/** The headings, which say what is not for everybody. */
const tagsOf = (definitions: readonly AnyActorDefinition[], routes: readonly RouteDocument[]) =>
  [...new Set(routes.map(({ group }) => group))].map((name) => {
    const own = definitions.find(({ contract }) => contract.namespace === name)
    return own?.contract.audience === 'operators' ? { name, description: 'For operators' } : { name }
  })

const pathOf = ({ url }: RouteDocument) => url.replaceAll(/:(\w+)/g, '{$1}')

const operationOf = (route: RouteDocument, references: References): JsonSchema => {
  const { operationId, group, summary, status, open, body, bodyType, data, answerType } = route
  return {
    operationId,
    tags: [group],
    summary,
    ...(open ? { security: [] } : {}),
    ...(route.public ? { security: [{}, { bearer: [] }] } : {}),
    parameters: parametersOf(route),
    ...(body
      ? { requestBody: { ...requiredOf(body), content: content(jsonSchema(body, 'input'), bodyType) } }
      : {}),
    responses: {
      [status]: {
        description: 'Done',
        ...(route.command ? { headers: { ETag: { schema: { type: 'string' } } } } : {}),
        content: answerType
          ? content(jsonSchema(data, 'output'), answerType)
          : content(envelopeOf(jsonSchema(data, 'output', references))),
      },
      ...refusalsOf(route),
    },
  }
}

const parametersOf = ({ url, params, query, command }: RouteDocument): object[] => {
  const inPath = url.includes('/:id')
  const { properties = {}, required = [] } = query ? jsonSchema(query, 'input') : {}
  return [
    ...(inPath ? [parameter('Id')] : []),
    ...Object.entries(params ? jsonSchema(params, 'input').properties! : {}).map(([name, schema]) => ({
      name,
      in: 'path',
      required: true,
      schema,
    })),
    ...Object.entries(properties)
      .filter(([name]) => !(inPath && name === 'id'))
      .map(([name, { description, ...schema }]) => ({
        name,
        in: 'query',
        ...(description === undefined ? {} : { description }),
        required: required.includes(name),
        schema,
      })),
    ...(command ? [parameter('IdempotencyKey')] : []),
    ...(command && inPath ? [parameter('IfMatch')] : []),
  ]
}

const parameter = (name: keyof typeof PARAMETERS) => ({ $ref: `#/components/parameters/${name}` })

/** Nothing at all is as good as an empty object. */
const requiredOf = (body: z.ZodType) => ({ required: !body.safeParse({}).success })

const refusalsOf = ({ url, open, command, errors = [], statuses = {} }: RouteDocument) => ({
  400: { $ref: '#/components/responses/InvalidInput' },
  ...(open ? {} : { 401: { $ref: '#/components/responses/Unauthenticated' } }),
  ...(command ? { 403: { $ref: '#/components/responses/Forbidden' } } : {}),
  ...(url.includes('/:') ? { 404: { $ref: '#/components/responses/NotFound' } } : {}),
  ...(command ? { 409: refusal(`One of ${[...CONFLICTS, ...errors].join(', ')}`) } : {}),
  ...(command && url.includes('/:id') ? { 412: { $ref: '#/components/responses/VersionConflict' } } : {}),
  429: { $ref: '#/components/responses/RateLimited' },
  ...ownStatuses(statuses),
  default: { $ref: '#/components/responses/Failure' },
})

const ownStatuses = (statuses: NonNullable<RouteDocument['statuses']>) => {
  const codes = Map.groupBy(Object.keys(statuses), (code) => statuses[code]!)
  return Object.fromEntries(
    [...codes].map(([status, these]) => [
      status,
      refusal(`One of ${[...(SHARED_CODES.get(status) ?? []), ...these].join(', ')}`),
    ]),
  )
}

const SHARED_CODES = new Map([
  [400, ['invalid_input', 'pan_not_accepted']],
  [503, ['overloaded', 'shutting_down']],
])

const CONFLICTS = ['not_allowed_in_state', 'already_exists', 'command_id_reused']

const content = (schema: JsonSchema, type = 'application/json') => ({ [type]: { schema } })

const envelopeOf = (data: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: {
    status: { const: 'success' },
    data,
    timestamp: { type: 'string', format: 'date-time' },
  },
  required: ['status', 'data', 'timestamp'],
})

const Failure = z.object({
  status: z.literal('error'),
  data: z.null(),
  error: z.object({
    errorCode: z.int().describe('The HTTP status'),
    code: z.string().describe(`${SHARED_ERROR_CODES.join(', ')}, or a code of the command`),
    message: z.string(),
    details: z.unknown().optional().describe('With `invalid_input`: path and reason of each mistake'),
    state: z.string().optional().describe('The state of the actor that refused'),
    version: z.int().optional().describe('Its version'),
    allowed: z.array(z.string()).optional().describe('What the caller may send to it instead'),
    retryAfterMs: z.int().optional(),
  }),
  timestamp: z.iso.datetime(),
})

const refusal = (description: string, headers?: object) => ({
  description,
  ...(headers ? { headers } : {}),
  content: content({ $ref: '#/components/schemas/Failure' }),
})

const RETRY_AFTER = { 'Retry-After': { description: 'In seconds', schema: { type: 'integer' } } }

const RESPONSES = {
  InvalidInput: refusal('`invalid_input`: details say where and why'),
  Unauthenticated: refusal('`unauthenticated`: sign in first'),
  Forbidden: refusal('`forbidden`'),
  NotFound: refusal('`not_found`, also for what the caller may not know of'),
  VersionConflict: refusal('`version_conflict`: the actor has moved on since `If-Match`'),
  RateLimited: refusal('`rate_limited`', RETRY_AFTER),
  Failure: refusal('Any other refusal', RETRY_AFTER),
}

const PARAMETERS = {
  Id: { name: 'id', in: 'path', required: true, schema: jsonSchema(Id, 'input') },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'The `commandId`: a command that is sent again with it gets the first answer and changes nothing',
    schema: jsonSchema(Id, 'input'),
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description: 'The `ETag` of what the caller has seen; 412 when the actor has moved on',
    schema: { type: 'string', examples: ['"7"'] },
  },
}
