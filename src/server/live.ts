import { eventsOfWrite, type Routed } from '../../persistence/journal.ts'
import type { Sessions } from '../auth/sessions.ts'
import type { Bus } from '../bus.ts'
import { createArrivals } from '../gateway/arrivals.ts'
import { createDelivery, type Delivery } from '../gateway/delivery.ts'
import type { Runtime } from '../runtime.ts'
import type { Ground } from './ground.ts'
import type { Storage } from './storage.ts'

export type Deliver = (events: readonly Routed[], position: number) => void

type Parts = {
  storage: Storage
  runtime: Runtime
  bus: Bus
  sessions: Pick<Sessions, 'onRecorded' | 'look'>
  /** To whoever listens on this node. */
  deliver: Deliver
  startOver: () => void
}

export type Live = ReturnType<typeof createLive>

/** What is committed, here or elsewhere, on its way to those who wait for it on this node. */
export const createLive = ({ failed }: Ground, parts: Parts) => {
  const { storage, runtime, bus, sessions, deliver, startOver } = parts
  const arrivals = createArrivals(runtime.engine)
  const delivery = createDelivery({
    journal: storage.journal,
    deliver: (events, position) => {
      deliver(events, position)
      arrivals.deliver(events)
    },
    startOver,
    failed,
  })
  connectNodes({ bus, delivery, runtime, sessions })
  return { arrivals, delivery }
}

/** What this node commits goes to the others, and what they commit arrives here. */
const connectNodes = ({
  bus,
  delivery,
  runtime,
  sessions,
}: Pick<Parts, 'bus' | 'runtime' | 'sessions'> & { delivery: Delivery }) => {
  runtime.onCommitted(({ from, to, writes }) => {
    const events = writes.flatMap(({ write, from: first }) => eventsOfWrite(write, first))
    const [dueAt] = writes.flatMap(({ write }) => write.timersSet.map((timer) => timer.dueAt)).toSorted()
    const batch = { from, to, events, ...(dueAt ? { dueAt } : {}) }
    bus.publish(batch)
    delivery.take(batch)
  })
  bus.onBatch((batch) => {
    delivery.take(batch)
    if (batch.dueAt) runtime.expect(batch.dueAt)
  })
  sessions.onRecorded(() => bus.nudge('sessions'))
  bus.onNudge((what) => (what === 'journal' ? delivery.look() : sessions.look()))
}
