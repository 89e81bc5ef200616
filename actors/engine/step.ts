import {
  createActor,
  getNextTransitions,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate'

/** An action that the machine named and did not run: it becomes a row in `effect`. */
export type Effect = { name: string; params: unknown }

/** A delayed transition to send back after `delayMs`, or one to forget. */
export type TimerChange = { set: string; event: EventObject; delayMs: number } | { cancel: string }

export type Step = {
  snapshot: AnyMachineSnapshot
  events: EventObject[]
  effects: Effect[]
  timers: TimerChange[]
}

type RawAction = { type: string; params: unknown; exec?: unknown }

/** The scope that a machine's pure functions want; one for each machine, because building it costs more than a step. */
const scopeOf = (() => {
  const scopes = new WeakMap<AnyStateMachine, { scope: unknown; actions: RawAction[] }>()
  return (machine: AnyStateMachine) => {
    let known = scopes.get(machine)
    if (!known) {
      const self = createActor(machine)
      const actions: RawAction[] = []
      const scope = {
        self,
        system: self.system,
        id: '',
        sessionId: '',
        logger: () => {},
        defer: () => {},
        emit: () => {},
        stopChild: () => {},
        actionExecutor: (action: RawAction) => actions.push(action),
      }
      known = { scope, actions }
      scopes.set(machine, known)
    }
    known.actions.length = 0
    return known
  }
})()

/** The first step of a new actor. @throws what the machine's context function throws. */
export const start = (machine: AnyStateMachine, input: unknown): Step => {
  const { scope, actions } = scopeOf(machine)
  const snapshot = machine.getInitialSnapshot(scope as never, input) as AnyMachineSnapshot
  return sortActions(snapshot, actions)
}

/**
 * One step, purely. An event that the state does not take returns the same snapshot reference and nothing else.
 * @throws what a guard or an assigner of the machine throws.
 */
export const step = (machine: AnyStateMachine, current: AnyMachineSnapshot, event: EventObject): Step => {
  const { scope, actions } = scopeOf(machine)
  const snapshot = machine.transition(current, event, scope as never) as AnyMachineSnapshot
  return sortActions(snapshot, actions)
}

/** XState hands out one list; emitted events, timers and named effects part ways here. */
const sortActions = (snapshot: AnyMachineSnapshot, actions: readonly RawAction[]): Step => {
  if (snapshot.status === 'error') throw snapshot.error
  const result: Step = { snapshot, events: [], effects: [], timers: [] }
  for (const { type, params } of actions) {
    if (type === 'xstate.emit') result.events.push((params as { event: EventObject }).event)
    else if (type === 'xstate.raise') result.timers.push(timerOf(params))
    else if (type === 'xstate.cancel') result.timers.push({ cancel: (params as { sendId: string }).sendId })
    else if (type.startsWith('xstate.'))
      throw new Error(`'${type}': a durable machine may not invoke, spawn or send; name an effect instead`)
    else if (params !== undefined) result.effects.push({ name: type, params })
  }
  return result
}

const timerOf = (params: unknown): TimerChange => {
  const { id, event, delay } = params as { id?: string; event: EventObject; delay?: number }
  const name = id ?? event.type
  // "Never" is a delay too: a machine that has nothing to wait for sets no timer.
  return delay === Infinity ? { cancel: name } : { set: name, event, delayMs: delay ?? 0 }
}

/** What a row stores of a snapshot. Plain JSON: functions, children and tags stay out. */
export const dehydrate = (snapshot: AnyMachineSnapshot): object => ({
  value: snapshot.value,
  context: snapshot.context,
  ...(snapshot.status === 'active' ? {} : { status: snapshot.status, output: snapshot.output }),
  ...(Object.keys(snapshot.historyValue).length > 0 ? { history: historyOf(snapshot) } : {}),
})

const historyOf = (snapshot: AnyMachineSnapshot) =>
  Object.fromEntries(
    Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]),
  )

type Dehydrated = {
  value: AnyMachineSnapshot['value']
  context: object
  status?: AnyMachineSnapshot['status']
  output?: unknown
  history?: Record<string, string[]>
}

/** The inverse of `dehydrate`. @throws when the machine has no such state. */
export const hydrate = (machine: AnyStateMachine, stored: object): AnyMachineSnapshot => {
  const { value, context, status = 'active', output, history = {} } = stored as Dehydrated
  const historyValue = Object.fromEntries(
    Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => machine.getStateNodeById(node))]),
  )
  return machine.resolveState({ value, context, status, output, historyValue }) as AnyMachineSnapshot
}

/** The types of all events that the state has a transition for, whatever the guards would say. */
export const acceptedTypes = (snapshot: AnyMachineSnapshot): ReadonlySet<string> => {
  if (snapshot.status !== 'active') return NOTHING
  const { machine, value } = snapshot as { machine: AnyStateMachine; value: unknown }
  let known = accepted.get(machine)
  if (!known) accepted.set(machine, (known = new Map()))
  const state = typeof value === 'string' ? value : JSON.stringify(value)
  let types = known.get(state)
  if (!types) {
    types = new Set(getNextTransitions(snapshot).map(({ eventType }) => eventType))
    known.set(state, types)
  }
  return types
}

/** By machine and state, of which there are few. */
const accepted = new WeakMap<AnyStateMachine, Map<string, ReadonlySet<string>>>()

const NOTHING: ReadonlySet<string> = new Set()

/** The state value as one word: `active.valid`; parallel regions are joined by `+`. */
export const stateName = (value: AnyMachineSnapshot['value']): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value)
        .map(([key, child]) => (child && Object.keys(child).length > 0 ? `${key}.${stateName(child)}` : key))
        .join('+')
