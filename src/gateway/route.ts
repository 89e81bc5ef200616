import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { AnyActorDefinition, Principal } from '../../actors/actor.ts'
import type { Accepted } from '../../contracts/protocol.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import type { OwnCall } from './own-call.ts'

/** One HTTP route, as the documents describe it. */
export type RouteDocument = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As fastify writes it: `/api/v1/mentors/:id`. */
  url: string
  operationId: string
  /** Under which name sockets have the same, where that is not the operation's own. */
  socket?: { name: string; namespace: string }
  /** Under which heading it stands. */
  group: string
  summary: string
  status: 200 | 201 | 202
  /** Nobody has to be signed in. */
  open?: boolean
  /** Whoever is not signed in sees what everybody may see; a token that is sent has to be good. */
  public?: boolean
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
  /** The media type of the answer, when it is not the envelope. */
  answerType?: string
  /** Refusal codes beside the ones that every route shares. */
  errors?: readonly string[]
  /** Refusal codes with an HTTP status that they have only here. */
  statuses?: Readonly<Record<string, number>>
}

/** One HTTP route onto an actor, with what answers it. */
export type Route = RouteDocument & {
  definition: AnyActorDefinition
  /** Where what a command has made is found; by default under `/api/v1`. */
  location?: (id: string) => string
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
  /** To what others may be given. */
  links: VerificationLinks
  /** Of the route's own kind of actor, or of another one. */
  query: (name: string, fields: object, about?: AnyActorDefinition) => Promise<Accepted>
  /** The same query for somebody of the caller's organisation who has no role there: what everybody sees. */
  everybody: (name: string, fields: object) => Promise<Accepted>
  /** A call that stands for commands or queries of the route's actor. */
  own: (call: Pick<OwnCall, 'like' | 'answer'>, fields: unknown) => Promise<Accepted>
  /**
   * Waits until an actor satisfies, though not for ever; for actors that the caller may see.
   * @returns its view then, satisfying or not
   */
  until: (id: string, satisfies: (view: unknown) => boolean) => Promise<unknown>
  /** The same by the actor's state. */
  untilState: (
    id: string,
    satisfies: (state: string) => boolean,
  ) => Promise<{ view: unknown; state: string } | undefined>
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
