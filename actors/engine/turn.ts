import type { AnyMachineSnapshot, EventObject } from 'xstate'
import { refused, type Refused } from '../../contracts/protocol.ts'
import type { AnyActorDefinition, ColumnValue, Principal, Scope } from '../actor.ts'
import type { Message } from './message.ts'
import { acceptedTypes, hydrate, start, stateName, step, type Step } from './step.ts'
import type { EffectRecord, SetTimer, StoredActor, Timers, TurnRecord } from './store.ts'

/** An actor in memory: its committed row, ready to take a turn. */
export type Active = {
  version: number
  snapshot: AnyMachineSnapshot
  state: string
  columns: Record<string, ColumnValue>
  timers: Timers
}

/** A turn that the machine took and nobody has committed yet. */
export type Turn = {
  next: Active
  record: TurnRecord
  effects: EffectRecord[]
  timersSet: ({ name: string } & SetTimer)[]
  timersCleared: string[]
}

export type Decision = { taken: Turn } | { refused: Refused } | { stale: true }

/** @throws when no machine of this build knows the stored version. */
export const activate = (definition: AnyActorDefinition, stored: StoredActor): Active => {
  const snapshot = hydrate(definition.machine, lift(definition, stored))
  return {
    version: stored.version,
    snapshot,
    state: stateOf(definition, snapshot),
    columns: columnsOf(definition, snapshot),
    timers: stored.timers,
  }
}

const lift = ({ machine, earlier, contract }: AnyActorDefinition, { machine: id, snapshot }: StoredActor) => {
  if (id === machine.id) return snapshot
  const version = earlier?.find((known) => known.id === id)
  if (!version) throw new Error(`${contract.actor}: no machine '${id}' in this build`)
  return version.lift(snapshot as never) as object
}

const stateOf = ({ state }: AnyActorDefinition, snapshot: AnyMachineSnapshot): string =>
  state?.(snapshot) ?? stateName(snapshot.value)

const columnsOf = (
  { columns }: AnyActorDefinition,
  snapshot: AnyMachineSnapshot,
): Record<string, ColumnValue> => {
  const values: Record<string, ColumnValue> = {}
  for (const name in columns) values[name] = columns[name]!.of(snapshot)
  return values
}

/** Whether any of the principal's scopes matches the row. */
export const inScope = (scopes: readonly Scope[], id: string, columns: Record<string, unknown>): boolean =>
  scopes.some((scope) =>
    Object.entries(scope).every(([name, value]) => (name === 'id' ? id : columns[name]) === value),
  )

/** The commands that the principal may send now: what the state accepts and the rules allow. */
export const allowedCommands = (
  { contract, allow, offers }: AnyActorDefinition,
  snapshot: AnyMachineSnapshot,
  principal: Principal,
): string[] => {
  const accepted = acceptedTypes(snapshot)
  return Object.keys(contract.commands).filter(
    (name) =>
      accepted.has(name) &&
      !contract.commands[name]!.creates &&
      (offers?.[name]?.(snapshot) ?? true) &&
      allow[name]!(principal, snapshot),
  )
}

/** Decides one message, purely. @throws what the machine or a rule throws: a bug, not an answer. */
export const decide = (
  definition: AnyActorDefinition,
  current: Active | undefined,
  message: Message,
): Decision => {
  if (message.creation)
    return current ? { refused: exists(definition, current, message) } : create(definition, message)
  if (!current) return { refused: refused('not_found', `no such ${definition.contract.actor}`) }
  if (message.generation !== undefined && current.timers[message.type]?.generation !== message.generation)
    return { stale: true }

  const refusal = message.principal && refuse(definition, current, message, message.principal)
  if (refusal) return { refused: refusal }

  if (message.found) return find(definition, current, message)

  const event = eventOf(message)
  const stepped = step(definition.machine, current.snapshot, event)
  // XState returns the same snapshot for an event that the state does not take, and for one that only names actions.
  const { snapshot, events, effects, timers } = stepped
  const untouched = snapshot === current.snapshot && events.length + effects.length + timers.length === 0
  if (untouched && message.principal)
    return { refused: explain(definition, current, message, message.principal) }
  return { taken: turnOf(definition, current, message, stepped) }
}

/** The state decides whether this is still what the command asked for. */
const find = (definition: AnyActorDefinition, current: Active, message: Message): Decision => {
  if (!acceptedTypes(current.snapshot).has(message.type))
    return { refused: explain(definition, current, message, message.principal!) }
  const { snapshot } = current
  return { taken: turnOf(definition, current, message, { snapshot, events: [], effects: [], timers: [] }) }
}

const exists = (definition: AnyActorDefinition, current: Active, message: Message): Refused => {
  const visible =
    message.principal && inScope(definition.scopes(message.principal), message.actor.id, current.columns)
  return refused('already_exists', visible ? `this ${definition.contract.actor} exists` : 'this id is taken')
}

const create = (definition: AnyActorDefinition, message: Message): Decision => {
  const { principal, creation, actor, at } = message
  const stepped = start(definition.machine, { ...creation?.input, id: actor.id, at, by: principal?.userId })
  const columns = columnsOf(definition, stepped.snapshot)
  if (principal) {
    if (
      !inScope(definition.scopes(principal), actor.id, columns) ||
      !definition.allow[message.type]!(principal, stepped.snapshot)
    )
      return {
        refused: refused('forbidden', `you may not ${message.type} this ${definition.contract.actor}`),
      }
  }
  return { taken: turnOf(definition, undefined, message, stepped) }
}

const refuse = (
  definition: AnyActorDefinition,
  current: Active,
  message: Message,
  principal: Principal,
): Refused | undefined => {
  const { actor } = definition.contract
  if (!inScope(definition.scopes(principal), message.actor.id, current.columns))
    return refused('not_found', `no such ${actor}`)

  const present = () => ({
    state: current.state,
    version: current.version,
    allowed: allowedCommands(definition, current.snapshot, principal),
  })
  if (message.expectedVersion !== undefined && message.expectedVersion !== current.version)
    return {
      ...refused('version_conflict', `expected version ${message.expectedVersion}, it is ${current.version}`),
      ...present(),
    }
  if (!definition.allow[message.type]!(principal, current.snapshot))
    return { ...refused('forbidden', `you may not ${message.type} this ${actor}`), ...present() }
  return undefined
}

const explain = (
  definition: AnyActorDefinition,
  current: Active,
  message: Message,
  principal: Principal,
): Refused => {
  const reason = acceptedTypes(current.snapshot).has(message.type)
    ? definition.explain?.[message.type]?.(current.snapshot, eventOf(message))
    : undefined
  return {
    ok: false,
    error: reason ?? {
      code: 'not_allowed_in_state',
      message: `'${message.type}' is not possible in state '${current.state}'`,
    },
    state: current.state,
    version: current.version,
    allowed: allowedCommands(definition, current.snapshot, principal),
  }
}

/** A timer's own event may have another type than the timer's name. */
const eventOf = ({ type, payload, at, principal }: Message): EventObject & { at: string; by?: string } => ({
  type,
  ...payload,
  at,
  ...(principal ? { by: principal.userId } : {}),
})

const turnOf = (
  definition: AnyActorDefinition,
  current: Active | undefined,
  message: Message,
  { snapshot, events, effects, timers }: Step,
): Turn => {
  const { type, id } = message.actor
  const version = (current?.version ?? 0) + 1
  const { timers: after, ...changes } = applyTimers(current?.timers ?? {}, timers, message, version)
  const next: Active = {
    version,
    snapshot,
    state: stateOf(definition, snapshot),
    columns: columnsOf(definition, snapshot),
    timers: after,
  }
  return {
    next,
    ...changes,
    effects: effects.map(({ name, params }, index) => ({
      id: `${type}:${id}@${version}.${index}`,
      actorType: type,
      actorId: id,
      version,
      name,
      params,
      correlationId: message.correlationId ?? null,
      at: message.at,
    })),
    record: {
      version,
      messageId: message.id,
      messageHash: message.hash ?? null,
      cause: message.cause,
      type: message.type,
      message: message.payload,
      at: message.at,
      by: message.principal?.userId ?? null,
      correlationId: message.correlationId ?? null,
      from: current?.state ?? null,
      to: next.state,
      events: events.map(({ type: name, ...data }) => ({ type: name, data })),
      view: definition.view(snapshot, id),
      allowed: message.principal ? allowedCommands(definition, snapshot, message.principal) : [],
      topics: topicsOf(definition, id, current?.columns, next.columns),
    },
  }
}

/** The timers after a turn, and which rows change. The timer that fired is gone unless the turn set it again. */
const applyTimers = (
  before: Timers,
  changes: Step['timers'],
  message: Message,
  generation: number,
): Pick<Turn, 'timersSet' | 'timersCleared'> & { timers: Timers } => {
  const latest = new Map<string, Turn['timersSet'][number] | undefined>()
  if (message.generation !== undefined) latest.set(message.type, undefined)
  for (const change of changes) {
    if ('cancel' in change) {
      if (before[change.cancel] !== undefined || latest.has(change.cancel))
        latest.set(change.cancel, undefined)
    } else {
      const { set: name, event, delayMs } = change
      const dueAt = new Date(Math.min(Date.parse(message.at) + delayMs, LATEST_MS)).toISOString()
      const plain = event.type === name && Object.keys(event).length === 1
      latest.set(name, { name, generation, dueAt, ...(plain ? {} : { event }) })
    }
  }
  const timers: Record<string, SetTimer> = { ...before }
  const timersSet: Turn['timersSet'] = []
  const timersCleared: string[] = []
  for (const [name, set] of latest) {
    if (set) {
      const { dueAt, event } = set
      timers[name] = { generation, dueAt, ...(event ? { event } : {}) }
      timersSet.push(set)
    } else {
      delete timers[name]
      timersCleared.push(name)
    }
  }
  return { timers, timersSet, timersCleared }
}

/** PostgreSQL and JavaScript can both hold more; nobody waits for longer. */
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z')

/** The first timer that is due at an instant, as the message that it is, at its own instant. */
export const dueTimer = (
  { timers }: Active,
  actor: Message['actor'],
  at: string,
  parked: ReadonlySet<string>,
): Message | undefined => {
  let first: Message | undefined
  for (const name in timers) {
    const timer = timers[name]!
    if (
      timer.dueAt > at ||
      (first && (first.at < timer.dueAt || (first.at === timer.dueAt && first.type < name)))
    )
      continue
    const message = timerMessage({ ...timer, actor, name, event: timer.event ?? {} })
    if (!parked.has(message.id)) first = message
  }
  return first
}

/** What a timer says when it fires; the scheduler and a mailbox that cannot wait for it say the same. */
export const timerMessage = ({
  actor,
  name,
  generation,
  dueAt,
  event,
}: SetTimer & { actor: Message['actor']; name: string; event: object }): Message => ({
  id: `timer:${name}:${generation}`,
  actor,
  cause: 'timer',
  type: name,
  payload: event,
  at: dueAt,
  // Nobody called: what follows is found under the version that set it.
  correlationId: `timer:${actor.type}:${actor.id}:${generation}`,
  generation,
})

/** Who was entitled to the actor before the turn or is after it: both see the turn. */
const topicsOf = (
  { topics }: AnyActorDefinition,
  id: string,
  before: Record<string, ColumnValue> | undefined,
  after: Record<string, ColumnValue>,
): string[] => {
  const found = new Set<string>()
  for (const kind in topics) {
    const column = topics[kind]
    if (column === 'id') found.add(`${kind}:${id}`)
    else {
      if (after[column]) found.add(`${kind}:${String(after[column])}`)
      if (before?.[column]) found.add(`${kind}:${String(before[column])}`)
    }
  }
  return [...found]
}
