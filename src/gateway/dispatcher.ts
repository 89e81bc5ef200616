import { hash } from 'node:crypto'
import { z } from 'zod'
import type { AnyActorDefinition, Creation, CreationRequest, Lookup, Principal } from '../../actors/actor.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Message } from '../../actors/engine/message.ts'
import type { Read } from '../../actors/ports.ts'
import { refused, ReservedKeys, type Refused, type Reply } from '../../contracts/protocol.ts'
import type { Vault } from '../vault.ts'
import { CARD_DATA_REFUSED, isCardFault, refusePayload } from './guard.ts'

/** Parses, authorises and hands on: what sockets and REST have in common. It decides nothing about the domain. */
export type Dispatcher = {
  /** Names are the contract's own: `renew`, `list`. Never rejects. */
  call: (call: Call) => Promise<Reply>
  knows: (definition: AnyActorDefinition, name: string) => 'command' | 'query' | undefined
}

export type Call = {
  definition: AnyActorDefinition
  name: string
  payload: unknown
  principal: Principal
  correlationId: string
  /** For the log; REST has none. */
  connectionId?: string
  /** The caller is a part of the server, which may make actors under ids that follow from something else. */
  trusted?: true
}

type Dependencies = {
  engine: Engine
  read: Read
  /** Whether an id belongs to an actor of another type. */
  isTaken: (id: string, actorType: string) => Promise<boolean>
  lookup: Lookup
  vault: Pick<Vault, 'seal' | 'fingerprint'>
  now: () => number
  newId: () => string
  failed: (error: unknown, call: Call) => void
  /** Whether asking again may help. */
  unavailable: (error: unknown) => boolean
}

const Reserved = z.strictObject(ReservedKeys)

export const createDispatcher = (deps: Dependencies): Dispatcher => {
  const { engine, read, isTaken, lookup, vault, now, newId, failed, unavailable } = deps
  const at = () => new Date(now()).toISOString()

  const knows = ({ contract }: AnyActorDefinition, name: string) => {
    if (Object.hasOwn(contract.commands, name)) return 'command'
    return Object.hasOwn(contract.queries, name) ? 'query' : undefined
  }

  const call = async (request: Call): Promise<Reply> => {
    const { definition, name, payload } = request
    const kind = knows(definition, name)
    if (!kind)
      return refused('unknown_command', `'${definition.contract.namespace}' has no such command or query`)
    const fault = refusePayload(payload)
    if (fault) return fault
    try {
      return await (kind === 'command' ? command : query)(request, payload as object)
    } catch (error) {
      failed(error, request)
      if (unavailable(error))
        return { ...refused('overloaded', 'the database is not available'), retryAfterMs: 1_000 }
      return refused('internal', 'something went wrong on our side', { correlationId: request.correlationId })
    }
  }

  const command = async (
    { definition, name, principal, correlationId, trusted }: Call,
    payload: object,
  ): Promise<Reply> => {
    const { id, commandId, expectedVersion, ...fields } = payload as Record<string, unknown>
    const reserved = Reserved.safeParse(withoutUndefined({ id, commandId, expectedVersion }))
    const { input, creates, sealed = [] } = definition.contract.commands[name]!
    const parsed = input.safeParse(fields)
    if (!reserved.success || !parsed.success) return invalid(reserved.error, parsed.error)
    if (!creates && !reserved.data.id)
      return refused('invalid_input', 'id is required', [{ path: ['id'], reason: 'is required' }])

    if (creates && !trusted && isDerived(reserved.data.id))
      return refused('invalid_input', 'id: must not be of UUID version 8', [
        { path: ['id'], reason: 'must not be of UUID version 8, which the server gives out' },
      ])
    const { data } = parsed
    const message: Message = {
      id: reserved.data.commandId ?? newId(),
      actor: { type: definition.contract.actor, id: reserved.data.id ?? newId() },
      cause: 'command',
      type: name,
      payload: withoutClearText(data, sealed, vault.seal),
      at: at(),
      correlationId,
      principal,
      ...(reserved.data.commandId
        ? {
            hash: hashOf(
              principal,
              name,
              reserved.data.id,
              withoutClearText(data, sealed, vault.fingerprint),
            ),
          }
        : {}),
      ...(reserved.data.expectedVersion ? { expectedVersion: reserved.data.expectedVersion } : {}),
    }
    if (!creates) return prepare(definition, message)
    const isChosen = reserved.data.id !== undefined
    if (isChosen && !trusted && (await isTaken(message.actor.id, message.actor.type)))
      return refused('already_exists', 'this id is taken')
    return create(definition, message, isChosen)
  }

  const prepare = async (definition: AnyActorDefinition, message: Message): Promise<Reply> => {
    const prepared = await definition.prepare?.[message.type]?.(requestOf(message))
    if (!prepared) return engine.send(message)
    if (prepared.ok) return engine.send({ ...message, payload: prepared.payload })
    // What may not be done now may have been done by the first sending of this very command.
    return (await engine.answered(message)) ?? prepared
  }

  const requestOf = ({ payload, principal, actor, at: sentAt }: Message) => {
    return { id: actor.id, payload: payload as never, principal: principal!, at: sentAt, lookup, newId }
  }

  const create = async (
    definition: AnyActorDefinition,
    message: Message,
    isChosen: boolean,
  ): Promise<Reply> => {
    const ask = () => (definition.create[message.type as never] as AnyCreate)(requestOf(message))
    let creation = await ask()
    for (;;) {
      // What may not be made now may have been made by the first sending of this very command.
      if (!creation.ok) return (await engine.answered(message)) ?? creation
      const repeated = creation.after && (await engine.answered(addressed(message, creation.after)))
      if (repeated) return repeated
      const id = isChosen ? undefined : creation.id
      const reply = await engine.send(
        creation.existing === undefined
          ? { ...(id ? addressed(message, id) : message), creation: { input: creation.input } }
          : { ...addressed(message, creation.existing), ...(creation.changes ? {} : { found: true }) },
      )
      if (reply.ok || !LOST_RACE.has(reply.error.code)) return reply
      // Somebody was faster, with the same or with its end: then the question has another answer now.
      const again = await ask()
      if (again.ok && again.existing === creation.existing && again.id === creation.id) return reply
      creation = again
    }
  }

  const query = async ({ definition, name, principal }: Call, payload: object): Promise<Reply> => {
    const parsed = definition.contract.queries[name]!.input.safeParse(payload)
    if (!parsed.success) return invalid(parsed.error)
    const asked = { definition, scopes: definition.scopes(principal), input: parsed.data, principal }
    return definition.queries[name]!({ ...asked, at: at(), read })
  }

  return { call, knows }
}

/** Whoever could take such an id would keep an actor from being made that the server knows by it. */
const isDerived = (id: string | undefined) => id?.[14] === '8'

type AnyCreate = (request: CreationRequest<object>) => Promise<Creation<object>>

/** What the loser of a race for one place is told. */
const LOST_RACE: ReadonlySet<string> = new Set(['already_exists', 'not_allowed_in_state'])

const addressed = (message: Message, id: string): Message => ({ ...message, actor: { ...message.actor, id } })

/** Zod writes the keys of an object in the schema's order, so equal inputs have equal text. */
const hashOf = (principal: Principal, name: string, id: string | undefined, payload: unknown) =>
  hash('sha256', JSON.stringify([principal.userId, name, id ?? null, payload]), 'base64url')

/** Sealed fields are text; what else a client has left out stays away. */
const withoutClearText = (data: object, sealed: readonly string[], seal: (text: string) => string): object =>
  sealed.length === 0
    ? data
    : Object.fromEntries(
        Object.entries(data).map(([name, value]) => [
          name,
          sealed.includes(name) && typeof value === 'string' ? seal(value) : value,
        ]),
      )

const withoutUndefined = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

export const invalid = (...errors: (z.ZodError | undefined)[]): Refused => {
  if (errors.some((error) => error && isCardFault(error))) return CARD_DATA_REFUSED
  const details = errors.flatMap((error) =>
    (error?.issues ?? []).flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: [...issue.path, key.slice(0, 64)], reason: 'is unknown' }))
        : [{ path: issue.path, reason: issue.message }],
    ),
  )
  const first = details[0]
  return refused('invalid_input', first ? messageOf(first) : 'invalid input', details.slice(0, 20))
}

/** What is wrong with the fields as a whole has no path. */
const messageOf = ({ path, reason }: { path: PropertyKey[]; reason: string }): string =>
  path.length === 0 ? reason : `${path.join('.')}: ${reason}`
