import { randomUUID } from 'node:crypto'
import { io, type Socket } from 'socket.io-client'
import type { Accepted, EventFrame, Reply, Subscribed } from '../../contracts/protocol.ts'

/** The demo cannot go on, for a reason that whoever runs it can put right. */
export class DemoStopped extends Error {
  override name = 'DemoStopped'
}

export type Me = { userId: string; orgId: string; token: string }

/** @throws DemoStopped */
export const signIn = async (url: string, email: string, password: string): Promise<Me> => {
  const { status, data } = await ask(`${url}/api/auth/user/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  const { userId, token } = data as Answer
  if (status === 401)
    throw new DemoStopped(
      `${email} cannot sign in at ${url}: that server has no demo data (LAUREL_DEMO=off), or another LAUREL_DEMO_PASSWORD.`,
    )
  if (!userId || !token) throw new DemoStopped(`${url} answered ${status} to a sign-in. Is it Laurel?`)
  const authorization = `Bearer ${token}`
  const profile = await ask(`${url}/api/auth/user/profile`, { headers: { authorization } })
  return { userId, token, orgId: (profile.data as Answer).orgId ?? '' }
}

/** What the two routes answer with; no field is there in a refusal. */
type Answer = { userId?: string; token?: string; orgId?: string }

/** What one route answers. @throws DemoStopped when nobody does */
export const ask = async (url: string, init: RequestInit): Promise<{ status: number; data: object }> => {
  const response = await fetch(url, init).catch((error: unknown) => {
    throw new DemoStopped(
      `Nobody answers at ${new URL(url).origin}. Start Laurel with \`npm start\` in another terminal, or set LAUREL_URL.`,
      { cause: error },
    )
  })
  const body = (await response.json().catch(() => ({}))) as { data?: object | null }
  return { status: response.status, data: body.data ?? {} }
}

export type Live = {
  subscribed: Subscribed
  /** Sends a command and waits for its answer. @throws DemoStopped when it is refused. */
  command: (name: string, payload: object) => Promise<Accepted & { id: string }>
  /** Asks a query, and waits for its answer. @throws DemoStopped when it is refused. */
  query: (name: string, payload: object) => Promise<unknown>
  /** Waits for a push of one of these types, which may have arrived already. @throws DemoStopped after `patienceMs`. */
  pushed: (
    types: string | readonly string[],
    fits: (event: EventFrame) => boolean,
    patienceMs: number,
  ) => Promise<EventFrame>
  close: () => void
}

/** One socket on `/live`, subscribed to one topic. @throws DemoStopped */
export const goLive = async (
  url: string,
  { token }: Me,
  topic: string,
  onEvent: (event: EventFrame) => void,
): Promise<Live> => {
  const socket = io(`${url}/live`, { transports: ['websocket'], auth: { token }, reconnection: false })
  const events: EventFrame[] = []
  const waiting = new Set<() => void>()
  socket.onAny((name: string, frame: EventFrame) => {
    if (!name.includes('.') || frame.topic !== topic || frame.type !== name) return
    events.push(frame)
    onEvent(frame)
    for (const look of waiting) look()
  })
  await connected(socket, url)
  const call = async (name: string, payload: object) => {
    const reply = (await socket.timeout(10_000).emitWithAck(name, payload)) as Reply
    if (!reply.ok) throw new DemoStopped(`${name}: ${reply.error.code}: ${reply.error.message}`)
    return reply
  }
  return {
    subscribed: (await call('subscribe', { topics: [topic] })).data as Subscribed,
    // The id of the command makes a retry safe; the id of the actor comes back in the answer.
    command: async (name, payload) =>
      (await call(name, { ...payload, commandId: randomUUID() })) as Accepted & { id: string },
    query: async (name, payload) => (await call(name, payload)).data,
    pushed: (types, fits, patienceMs) =>
      new Promise((resolve, reject) => {
        const wanted = [types].flat()
        const end = () => {
          clearTimeout(patience)
          waiting.delete(look)
          socket.off('disconnect', lose)
        }
        const fail = (message: string) => {
          end()
          reject(new DemoStopped(message))
        }
        const look = () => {
          const event = events.find((candidate) => wanted.includes(candidate.type) && fits(candidate))
          if (!event) return
          end()
          resolve(event)
        }
        const lose = () => fail('The server has closed the connection; what was acknowledged goes on there.')
        const patience = setTimeout(
          () => fail(`No ${wanted[0]} was pushed within ${patienceMs / 1000} s.`),
          patienceMs,
        )
        socket.on('disconnect', lose)
        waiting.add(look)
        look()
      }),
    close: () => void socket.close(),
  }
}

const connected = (socket: Socket, url: string) =>
  new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', (error) => {
      socket.close()
      reject(new DemoStopped(`No socket to ${url}/live: ${error.message}`))
    })
  })
