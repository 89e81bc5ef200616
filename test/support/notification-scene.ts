import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import webPush from 'web-push'
import type { Role } from '../../actors/actor.ts'
import type { DeliveryView, LogEntry } from '../../contracts/delivery.ts'
import { http } from './http.ts'
import { aMailServer, type MailServer } from './mail-server.ts'
import { aPushServer, type PushServer } from './push-server.ts'
import {
  anOrganisation,
  aServer,
  aUser,
  connect,
  signIn,
  type Client,
  type Person,
  type TestServer,
} from './server.ts'

export const PATIENCE = { timeout: 20_000, interval: 25 }

export type Somebody = Person & { live: Client }

/** One server with a mail server and a push service for a whole test file, and for each test an organisation with two. */
export const notificationScene = () => {
  const ends: (() => Promise<void>)[] = []
  const keepEnd = (end: () => Promise<void>) => ends.unshift(end)
  const log: string[] = []
  const vapid = webPush.generateVAPIDKeys()
  let mail: MailServer
  let pushes: PushServer
  let server: TestServer
  let now: { orgId: string; admin: Somebody; user: Somebody }

  beforeAll(async () => {
    mail = await aMailServer()
    keepEnd(mail.close)
    pushes = await aPushServer()
    keepEnd(pushes.close)
    const stream = { write: (line: string) => void log.push(line) }
    server = await aServer(
      {
        mail: { url: mail.url, from: { name: 'Laurel', address: 'no-reply@laurel.example' } },
        push: { ...vapid, subject: 'mailto:operations@laurel.example', loopback: true },
        logger: pino({ level: 'trace' }, stream),
      },
      keepEnd,
    )
  })
  afterAll(async () => {
    for (const end of ends) await end()
  })
  beforeEach(async () => {
    mail.troubles.length = 0
    const orgId = await anOrganisation(server)
    now = { orgId, admin: await somebody(['admin'], orgId), user: await somebody(['student'], orgId) }
  })

  const somebody = async (roles: readonly Role[], orgId = now.orgId): Promise<Somebody> => {
    const person = await aUser(server, roles, orgId)
    const live = await connect(server, person)
    await live.subscribe({ topics: [`user:${person.id}`] })
    return { ...person, live }
  }

  const call = async ({ live }: Pick<Somebody, 'live'>, name: string, payload: object = {}) => {
    const answer = await live.call(name, payload)
    expect(answer).toMatchObject({ ok: true })
    return answer
  }

  /** Sent by the administrator to the user, unless it says otherwise. */
  const send = async (change: object = {}): Promise<string> => {
    const sent = { recipientId: now.user.id, text: 'The lesson is moved.', ...change }
    return (await call(now.admin, 'notifications.send', sent)).id
  }

  const deliveriesOf = async (notificationId: string): Promise<DeliveryView[]> => {
    const { data } = await call(now.admin, 'deliveries.list', { notificationId })
    return data.items.map(({ view }: { view: DeliveryView }) => view)
  }

  /** The delivery over a channel when it has come to a state. */
  const becomes = (notificationId: string, channel: string, status: string): Promise<DeliveryView> =>
    vi.waitFor(async () => {
      const found = (await deliveriesOf(notificationId)).find((one) => one.channel === channel)
      expect(found).toMatchObject({ status })
      return found!
    }, PATIENCE)

  const mailsTo = (email: string) => mail.mails.filter(({ to }) => to.includes(email))

  return {
    log,
    vapid,
    server: () => server,
    mail: () => mail,
    pushes: () => pushes,
    people: () => now,
    somebody,
    call,
    send,
    becomes,
    deliveriesOf,
    mailsTo,
    mailTo: (email: string, count = 1) =>
      vi.waitFor(() => {
        const found = mailsTo(email)
        expect(found).toHaveLength(count)
        return found.at(-1)!
      }, PATIENCE),
    pushesTo: (path: string) => pushes.received.filter((one) => one.path === path),
    /** A browser of the user's that takes pushes. */
    aBrowser: async (owner: Pick<Somebody, 'live'> = now.user, device = 'Phone') => {
      const { path, keys } = pushes.browser()
      const { id } = await call(owner, 'push-subscriptions.add', { ...keys, device })
      return { id: id as string, path, keys }
    },
    logOf: async (userId: string, asker: Person = now.admin): Promise<LogEntry[]> => {
      const { body } = await http(server, asker)('GET', `/api/notifications/log?userId=${userId}`)
      return body.data.logs
    },
    /** After the clock was moved so far that tokens have expired. */
    again: async (person: Somebody): Promise<Somebody> => {
      const fresh = { ...person, ...(await signIn(server, person.email)) }
      return { ...fresh, live: await connect(server, fresh) }
    },
  }
}
