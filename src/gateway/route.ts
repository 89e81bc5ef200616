import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { AnyActorDefinition, Principal } from '../../actors/actor.ts'
import type { Accepted } from '../../contracts/protocol.ts'

/** One HTTP route, as the documents describe it. */
export type RouteDocument = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As fastify writes it: `/api/v1/mentors/:id`. */
  url: string
  operationId: string
  /** Under which heading it stands. */
  group: string
  summary: string
  status: 200 | 201 | 202
  /** Nobody has to be signed in. */
  open?: boolean
  /** Takes `Idempotency-Key`, and `If-Match` when it addresses an actor that exists. */
  command?: boolean
  /** What stands in the path, when it is not an `id`. */
  params?: z.ZodObject
  /** Fields of the query string; a field `id` stands in the path instead. */
  query?: z.ZodObject
  body?: z.ZodType
  /** The media type of the body, when it is not JSON. */
  bodyType?: string
  /** What the envelope carries as `data`. */
  data: z.ZodType
  /** Refusal codes beside the ones that every route shares. */
  errors?: readonly string[]
  /** Refusal codes with an HTTP status that they have only here. */
  statuses?: Readonly<Record<string, number>>
}

/** One HTTP route onto an actor, with what answers it. */
export type Route = RouteDocument & {
  definition: AnyActorDefinition
  /** @returns the envelope's `data` */
  answer: (asked: Asked) => Promise<unknown>
}

/** What a route has at hand; commands and queries go through the dispatcher, and a refusal leaves by itself. */
export type Asked = {
  request: FastifyRequest
  principal: Principal
  /** The present instant. ISO-8601 UTC. */
  at: string
  command: (name: string, fields: unknown) => Promise<CommandData>
  query: (name: string, fields: object) => Promise<Accepted>
  /**
   * Waits until an actor satisfies, though not for ever; for actors that the caller may see.
   * @returns its view then, satisfying or not
   */
  until: (id: string, satisfies: (view: unknown) => boolean) => Promise<unknown>
}

/** What commands answer with over REST: the view and what stands beside it in a socket's acknowledgement. */
export type CommandData = {
  id: string
  version: number
  state: string
  allowed: readonly string[]
  position: number
  view: unknown
}

/** Of the wire protocol, for documents. */
export const PROTOCOL_VERSION = '1.0.0'
