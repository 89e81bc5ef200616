import type { FastifyRequest } from 'fastify'
import { Id } from '../../contracts/scalars.ts'
import { HttpRefusal } from './http-envelope.ts'

/**
 * The flat object that the dispatcher knows, put together from path, headers and body.
 * @throws HttpRefusal `invalid_input`
 */
export const commandPayload = (request: FastifyRequest, fields: unknown = {}, creates: boolean): unknown => {
  const { params, headers } = request
  // The dispatcher says what is wrong with it.
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return fields
  for (const name of ['commandId', 'expectedVersion', ...(creates ? [] : ['id'])])
    if (Object.hasOwn(fields, name)) throw invalid(name, 'is unknown')

  const commandId = commandIdOf(headers['idempotency-key'])
  const expectedVersion = versionOf(headers['if-match'])
  return {
    ...fields,
    ...(creates ? {} : { id: idOf(params) }),
    ...(commandId === undefined ? {} : { commandId }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  }
}

/** @throws HttpRefusal `invalid_input` */
export const refuseQuery = ({ query }: FastifyRequest): void => {
  const [name] = Object.keys(query as object)
  if (name !== undefined) throw invalid(name.slice(0, 64), 'is unknown')
}

/** @throws HttpRefusal `invalid_input` when a parameter comes twice, or stands in the path already */
export const queryPayload = ({ params }: FastifyRequest, fields: object): object => {
  const twice = Object.entries(fields).find(([, value]) => Array.isArray(value))
  if (twice) throw invalid(twice[0].slice(0, 64), 'is given twice')
  const id = idOf(params)
  if (id === undefined) return { ...fields }
  if (Object.hasOwn(fields, 'id')) throw invalid('id', 'is unknown')
  return { ...fields, id }
}

const idOf = (params: unknown) => (params as { id?: string }).id

const commandIdOf = (header: string | string[] | undefined): string | undefined => {
  if (header === undefined) return undefined
  const parsed = Id.safeParse(header)
  if (!parsed.success) throw invalid('Idempotency-Key', 'must be a UUID')
  return parsed.data
}

/** `*` asks only that there is an actor, which every command asks anyway. */
const versionOf = (header: string | undefined): number | undefined => {
  if (header === undefined || header === '*') return undefined
  const version = /^"([1-9]\d{0,14})"$/.exec(header)?.[1]
  if (version === undefined) throw invalid('If-Match', 'must be one version in quotation marks, such as "7"')
  return Number(version)
}

const invalid = (name: string, reason: string) =>
  new HttpRefusal({
    code: 'invalid_input',
    message: `${name}: ${reason}`,
    details: [{ path: [name], reason }],
  })
