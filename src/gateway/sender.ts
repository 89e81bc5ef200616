import type { Socket } from 'socket.io'
import type { EventFrame } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'
import { BATCH_EVENTS, type Mode } from './channels.ts'

type Receiver = {
  socket: Socket
  topics: ReadonlySet<string>
  /** Whether it hears on a topic of this type of actors. */
  hears: (topic: string, actorType: string) => boolean
  mode: Mode
}

/** Sends events to one socket, topic by topic, each with the position that it follows there. */
export const aSender = ({ socket, topics, hears, mode }: Receiver, start: number) => {
  const last = new Map<string, number>()
  let position = start
  /** Leaves out what it has sent before. `horizon`: there are no other events up to here. */
  const send = (events: readonly Routed[], horizon = 0) => {
    const frames: EventFrame[] = []
    for (const { event, topics: all } of events) {
      if (event.position <= position) continue
      position = event.position
      for (const topic of all) {
        if (!topics.has(topic) || !hears(topic, event.actor.type)) continue
        frames.push({ topic, prev: last.get(topic) ?? start, ...event })
        last.set(topic, event.position)
      }
    }
    if (mode === 'each') for (const frame of frames) socket.emit(frame.type, frame)
    else
      for (const [topic, list] of Map.groupBy(frames, (frame) => frame.topic))
        for (let from = 0; from < list.length; from += BATCH_EVENTS) {
          const batch = list.slice(from, from + BATCH_EVENTS)
          socket.emit('events', { topic, prev: batch[0]!.prev, events: batch })
        }
    position = Math.max(position, horizon)
  }
  return { send, upTo: () => position, last: (topic: string) => last.get(topic) ?? start }
}

export type Sender = ReturnType<typeof aSender>
