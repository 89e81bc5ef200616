import { isDeepStrictEqual } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import type { Reply } from '../../contracts/protocol.ts'
import { planCommand, type KnownCertifications, type PlannedCommand } from './commands.ts'
import { createLine, type Line } from './line.ts'
import type { Random } from './random.ts'
import type { Violated } from './rules.ts'
import type { Door } from './server-process.ts'
import type { Person, World } from './world.ts'

/** A command with the answer that counts: the first that does not ask to try again. */
export type SentCommand = PlannedCommand & {
  id: string
  by: string
  /** How often it was sent; more than once when an answer was lost. */
  sent: number
  /** How often it was answered, with whatever. An attempt that was not may still be under way. */
  answered: number
  reply?: Reply
}

/** Clients that send commands, and send them again under the same id until they know what became of them. */
export type Commander = {
  /** Everything that was ever sent, by command id. */
  commands: Map<string, SentCommand>
  /** Starts sending new commands; resolves when all clients are connected. */
  work: () => Promise<unknown>
  /** Sends nothing new; resolves when every answer is known. */
  finish: () => Promise<void>
  close: () => void
  stats: () => { accepted: number; refused: number; retried: number; repeated: number; askedToWait: number }
}

type Options = {
  server: Door
  world: World
  known: KnownCertifications
  random: Random
  violated: Violated
  /** Faults are under way: answers may take long, and each attempt may go another way. */
  rough?: boolean
}

type Client = { person: Person; namespace: string; lines: readonly Line[]; random: Random }

/** Each client has so many commands under way. */
const LANES = 3
const ANSWER_MS = 10_000
/** In rough times. */
const IMPATIENT_MS = 4_000
/** Connections of one client, to whatever node is behind each. */
const LINES = 2
const TRY_AGAIN = new Set(['overloaded', 'rate_limited', 'shutting_down'])
const MOST_REPEATS = 200

export const createCommander = (options: Options): Commander => {
  const { server, world, known, random, violated, rough = false } = options
  const answerMs = rough ? IMPATIENT_MS : ANSWER_MS
  const commands = new Map<string, SentCommand>()
  const accepted: SentCommand[] = []
  const stats = { accepted: 0, refused: 0, retried: 0, repeated: 0, askedToWait: 0 }
  let working = Promise.withResolvers<void>()
  let idle = true
  let turn = 0
  let closed = false
  let underWay = 0
  let quiet = Promise.withResolvers<void>()

  const aClient = (person: Person, namespace: string): Client => {
    const aLine = () => createLine({ server, person, namespace, violated })
    return {
      person,
      namespace,
      lines: Array.from({ length: rough ? LINES : 1 }, aLine),
      random: random.fork(),
    }
  }
  const [mentor] = world.mentors
  const clients = [
    aClient(world.admin, '/live'),
    aClient(world.admin, '/certifications'),
    ...world.coordinators.map((person) => aClient(person, '/live')),
    aClient(mentor!.user, '/live'),
  ]

  const lane = async (client: Client, chance: Random) => {
    for (;;) {
      await working.promise
      if (closed) return
      if (idle) continue
      underWay++
      await (chance.chance(0.12) ? repeat(client, chance) : sendNew(client, chance))
      underWay--
      if (idle && underWay === 0) quiet.resolve()
      await sleep(chance.int(1, 60))
    }
  }

  const sendNew = async (client: Client, chance: Random) => {
    const { person } = client
    let plan = planCommand(chance, world, known, person)
    while (client.namespace !== '/live' && plan.namespace !== 'certifications')
      plan = planCommand(chance, world, known, person)
    const command: SentCommand = { ...plan, id: chance.uuid(), by: person.id, sent: 0, answered: 0 }
    commands.set(command.id, command)
    // Two at once must make one certification: this is what an impatient user does.
    const copies = plan.name === 'issue' && chance.chance(0.2) ? 2 : 1
    const replies = await Promise.all(Array.from({ length: copies }, () => send(client, command)))
    // They may be judged at different instants: one before the certificate would have expired, the other after that and
    // before the first one is committed.
    const timely = replies.filter((one) => !isTooLate(command, one))
    const [reply = replies[0]] = timely
    command.reply = reply!
    for (const other of timely)
      if (!isDeepStrictEqual(other, reply))
        violated(
          `${command.name} ${command.id}, sent twice at once, was answered ${text(reply)} and ${text(other)}`,
          'answers-agree',
        )
    note(command, reply!)
  }

  const note = (command: SentCommand, reply: Reply) => {
    if (!reply.ok) {
      stats.refused++
      if (reply.error.code === 'internal')
        violated(`${command.name} ${command.id} was answered ${text(reply)}`, 'answers-agree')
      return
    }
    stats.accepted++
    accepted.push(command)
    if (command.namespace !== 'certifications') return
    const { id = '', version = 0 } = reply
    const certification = known.list.find((one) => one.id === id)
    if (certification) certification.version = Math.max(certification.version, version)
    else {
      const { mentorId } = command.fields as { mentorId: string }
      known.list.push({ id, version, mentor: world.mentors.find((one) => one.id === mentorId)! })
    }
  }

  /** What happened once is asked for again, now and then with another payload, which must not be taken for the same. */
  const repeat = async (client: Client, chance: Random) => {
    const recent = accepted.slice(-MOST_REPEATS).filter(({ by }) => by === client.person.id)
    const usable = recent.filter(
      ({ namespace }) => client.namespace === '/live' || namespace === 'certifications',
    )
    if (usable.length === 0) return
    const command = chance.pick(usable)
    const forged = 'reason' in command.fields && chance.chance(0.2)
    const reply = await send(client, forged ? { ...command, fields: { reason: 'another one' } } : command)
    stats.repeated++
    if (forged) {
      if (reply.ok || reply.error.code !== 'command_id_reused')
        violated(
          `${command.name} ${command.id} with another payload was answered ${text(reply)}`,
          'answers-agree',
        )
    } else if (!isDeepStrictEqual(reply, command.reply))
      violated(
        `${command.name} ${command.id} was answered ${text(command.reply)} first and then ${text(reply)}`,
        'answers-agree',
      )
  }

  /** Sends until there is an answer. */
  const send = async ({ lines, namespace }: Client, command: SentCommand): Promise<Reply> => {
    const event = namespace === '/live' ? `${command.namespace}.${command.name}` : command.name
    const payload = {
      ...command.fields,
      commandId: command.id,
      ...(command.actor === undefined ? {} : { id: command.actor }),
      ...(command.expectedVersion === undefined ? {} : { expectedVersion: command.expectedVersion }),
    }
    for (let attempt = 1; ; attempt++) {
      // The first of them that is there, from another one on each time.
      const [first, ...others] = [...lines.slice(turn % lines.length), ...lines.slice(0, turn % lines.length)]
      turn++
      const socket = await Promise.any([first!, ...others].map((line) => line.socket()))
      command.sent++
      if (attempt > 1) stats.retried++
      const reply = await ask(socket, event, payload, answerMs)
      if (!reply && socket.connected && !rough)
        violated(`${event} ${command.id} got no answer in ${answerMs} ms`, 'liveness')
      if (reply) command.answered++
      if (reply && (reply.ok || !TRY_AGAIN.has(reply.error.code))) return reply
      if (reply) stats.askedToWait++
      await sleep(reply ? 200 : 5)
    }
  }

  for (const client of clients)
    for (let count = 0; count < LANES; count++)
      lane(client, client.random.fork()).catch((error: unknown) =>
        violated(`a client failed: ${String(error)}`, 'liveness'),
      )

  return {
    commands,
    work: () => {
      idle = false
      working.resolve()
      return Promise.all(clients.flatMap(({ lines }) => lines.map((line) => line.socket())))
    },
    finish: async () => {
      working = Promise.withResolvers()
      idle = true
      quiet = Promise.withResolvers()
      if (underWay > 0) await quiet.promise
    },
    close: () => {
      closed = true
      working.resolve()
      for (const line of clients.flatMap(({ lines }) => lines)) line.close()
    },
    stats: () => stats,
  }
}

const ask = async (
  socket: Socket,
  event: string,
  payload: object,
  answerMs: number,
): Promise<Reply | undefined> => {
  try {
    return (await socket.timeout(answerMs).emitWithAck(event, payload)) as Reply
  } catch {
    return undefined // Lost with the connection, or too late; either way nobody knows what became of it.
  }
}

const text = (reply: unknown) => JSON.stringify(reply)?.slice(0, 600)

/** A certificate that had expired by the time somebody looked at it. */
const isTooLate = ({ fields }: SentCommand, reply: Reply): boolean => {
  if (reply.ok || reply.error.code !== 'invalid_input' || !('expiresAt' in fields)) return false
  return Date.parse(String(fields.expiresAt)) <= Date.now() && reply.error.message.startsWith('expiresAt:')
}
