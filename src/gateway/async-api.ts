import { z } from 'zod'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { ActorContract } from '../../contracts/contract.ts'
import { ReservedKeys } from '../../contracts/protocol.ts'
import { Id } from '../../contracts/scalars.ts'
import { isCredential } from '../credentials/source.ts'
import { watchMessages } from '../credentials/watch-messages.ts'
import { accepted, eventFrame, fixedMessages, Refused, type FixedMessage } from './async-api-messages.ts'
import { jsonSchema, pascal, type JsonSchema, type References } from './json-schema.ts'
import { namespacesOf, type NamespaceContract } from './namespaces.ts'
import type { OwnCall } from './own-call.ts'
import { PROTOCOL_VERSION } from './route.ts'

export type AsyncApi = {
  asyncapi: '3.0.0'
  channels: Record<string, { address: string; messages: Record<string, Reference> } & Record<string, unknown>>
  operations: Record<string, Record<string, unknown>>
  components: { messages: Record<string, object>; schemas: Record<string, JsonSchema> } & Record<
    string,
    object
  >
} & Record<string, unknown>

type Reference = { $ref: string }

/** Something that travels under a name, in either direction; a call is answered through its acknowledgement. */
type Described = {
  name: string
  /** Under which its schemas stand; all namespaces share them. */
  schema: string
  summary: string
  sentBy: 'client' | 'server'
  payload: JsonSchema
  ack?: JsonSchema
}

/**
 * Describes the server's Socket.IO side, in AsyncAPI 3.0: `receive` is what clients send. There is no binding for
 * Socket.IO, so `x-socketio` says which namespace a channel is, and which event and acknowledgement an operation.
 */
export const asyncApi = (definitions: readonly AnyActorDefinition[]): AsyncApi => {
  const references: References = new Map([
    [Refused, '#/components/schemas/Refused'],
    ...definitions.map(
      ({ contract }) => [contract.view, `#/components/schemas/${pascal(contract.actor)}`] as const,
    ),
  ])
  const document: AsyncApi = {
    ...HEAD,
    channels: {},
    operations: {},
    components: {
      messages: {},
      schemas: { Refused: jsonSchema(Refused, 'output') },
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'In the handshake: `auth: { token }`',
        },
      },
    },
  }
  for (const { contract } of definitions)
    document.components.schemas[pascal(contract.actor)] = jsonSchema(contract.view, 'output')

  const fixed = fixedMessages.map((message) => ofProtocol(message, references))
  // Several namespaces have the same, and making the schemas takes time.
  const described = new Map(
    definitions.map((definition) => [
      definition,
      { calls: callsOf(definition.contract, references), events: eventsOf(definition.contract, references) },
    ]),
  )
  for (const namespace of namespacesOf(definitions)) {
    const carried = namespace.definitions.flatMap((definition) => {
      const { calls, events } = described.get(definition)!
      return [
        ...calls.map((call) => ({ ...call, name: namespace.callName(definition, call.name) })),
        ...events,
      ]
    })
    const own = (namespace.ownCalls ?? []).map((call) =>
      ownCallOf(call, described.get(call.definition)!.calls),
    )
    addChannel(document, namespace, [...carried, ...own, ...fixed])
  }
  if (definitions.some(isCredential)) addVerification(document, references)
  return document
}

/** Whoever verifies a credential needs no sign-in, and no contract. */
const addVerification = (document: AsyncApi, references: References) =>
  addChannel(
    document,
    {
      name: 'verify',
      summary: 'How a credential stands, for whoever has its number or its link; no sign-in',
    },
    watchMessages.map((message) => ({
      ...ofProtocol(message, references),
      schema: `Verify${pascal(message.name)}`,
    })),
  )

const HEAD = {
  asyncapi: '3.0.0',
  info: {
    title: 'Laurel',
    version: PROTOCOL_VERSION,
    description:
      'Commands, queries and live events over Socket.IO 4 (WebSocket only). Every call is acknowledged with one object.',
    license: { name: 'MIT' },
  },
  defaultContentType: 'application/json',
  servers: {
    own: {
      host: '{host}',
      protocol: 'wss',
      pathname: '/socket.io/',
      variables: { host: { default: 'localhost:3000' } },
      security: [{ $ref: '#/components/securitySchemes/token' }],
    },
  },
} as const

const ofProtocol = (message: FixedMessage, references: References): Described => ({
  name: message.name,
  schema: `Protocol${pascal(message.name)}`,
  summary: message.summary,
  sentBy: message.sentBy,
  payload: jsonSchema(message.payload, message.sentBy === 'client' ? 'input' : 'output', references),
  ...(message.ack ? { ack: jsonSchema(answerOf(message.ack), 'output', references) } : {}),
})

const callsOf = (
  { namespace, commands, queries, view }: ActorContract,
  references: References,
): Described[] => [
  ...Object.entries(commands).map(([name, { summary, input, creates, errors = [] }]): Described => {
    const id = creates ? ReservedKeys.id : Id
    return {
      name,
      schema: pascal(`${namespace}.${name}`),
      summary: errors.length > 0 ? `${summary}. May refuse with ${errors.join(', ')}` : summary,
      sentBy: 'client',
      payload: jsonSchema(input.safeExtend({ ...ReservedKeys, id }), 'input'),
      ack: jsonSchema(answerOf(view), 'output', references),
    }
  }),
  ...Object.entries(queries).map(([name, { summary, input, output }]): Described => ({
    name,
    schema: pascal(`${namespace}.${name}`),
    summary,
    sentBy: 'client',
    payload: jsonSchema(input, 'input'),
    ack: jsonSchema(answerOf(output), 'output', references),
  })),
]

/** What it is like, under its own name. */
const ownCallOf = ({ name, summary, like, input }: OwnCall, calls: readonly Described[]): Described => {
  const original = calls.find((call) => call.name === like)!
  if (!input) return { ...original, name, summary }
  return { ...original, name, summary, schema: pascal(name), payload: jsonSchema(input, 'input') }
}

const answerOf = (data: z.ZodType) => z.union([accepted(data), Refused])

const eventsOf = (contract: ActorContract, references: References): Described[] =>
  Object.keys(contract.events).map((name) => ({
    name,
    schema: pascal(name),
    summary: `What happened to one ${contract.actor}; with mode \`batch\` it arrives in \`events\``,
    sentBy: 'server',
    payload: jsonSchema(eventFrame(contract, name), 'output', references),
  }))

const addChannel = (
  document: AsyncApi,
  { name: namespace, summary: about }: Pick<NamespaceContract, 'name' | 'summary'>,
  messages: readonly Described[],
) => {
  const channel = { $ref: `#/channels/${namespace}` }
  const inChannel: Record<string, Reference> = {}
  const add = (key: string, message: object): Reference => {
    document.components.messages[`${namespace}.${key}`] = message
    inChannel[key] = { $ref: `#/components/messages/${namespace}.${key}` }
    return { $ref: `#/channels/${namespace}/messages/${key}` }
  }
  const { schemas } = document.components
  const share = (key: string, schema: JsonSchema): Reference => {
    schemas[key] = schema
    return { $ref: `#/components/schemas/${key}` }
  }
  for (const { name, schema, summary, sentBy, payload, ack } of messages) {
    const message = add(name, { name, title: name, payload: share(schema, payload) })
    const answer = ack && add(`${name}.ack`, { name: `${name}.ack`, payload: share(`${schema}Answer`, ack) })
    document.operations[`${namespace}.${name}`] = {
      action: sentBy === 'client' ? 'receive' : 'send',
      channel,
      summary,
      messages: [message],
      ...(answer ? { reply: { channel, messages: [answer] } } : {}),
      'x-socketio': { event: name, ack: answer !== undefined },
    }
  }
  document.channels[namespace] = {
    address: `/${namespace}`,
    title: namespace,
    summary: about,
    messages: inChannel,
    'x-socketio': { namespace: `/${namespace}` },
  }
}
