import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { DeliveryView } from '../contracts/delivery.ts'
import type { NodeRole } from '../src/roles.ts'
import { done } from './support/catalog-scene.ts'
import { aMailServer, type Mail, type MailServer } from './support/mail-server.ts'
import { run, type Program } from './support/program.ts'
import { aServer, aUser, connect, type Client, type Person, type TestServer } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
/** What a node that is gone had in hand belongs to it for a while. */
const PATIENCE = { timeout: 180_000, interval: 50 }
const LONG = { timeout: 300_000 }

const FROM = { name: 'Laurel', address: 'no-reply@laurel.example' }
const LETTERS_EACH = 4

const aSlowMailServer = async () => {
  const mail = await aMailServer()
  onTestFinished(mail.close)
  mail.slow(150)
  return mail
}

/** One administrator and some recipients, who are told a few things each: half of it by each node. */
const someLetters = async (nodes: readonly TestServer[]) => {
  const [one] = nodes
  const admin = await aUser(one!, ['admin'])
  const desks: Client[] = []
  for (const node of nodes) desks.push(await connect(node, admin))
  const recipients: Person[] = []
  for (let count = 0; count < 12; count += 1) recipients.push(await aUser(one!, ['student']))
  const wanted = recipients.flatMap(({ id, email }) =>
    Array.from({ length: LETTERS_EACH }, (_, number) => ({ id, email, text: `letter ${number}` })),
  )
  const sent = await Promise.all(
    wanted.map(async ({ id: recipientId, email, text }, index) => {
      const desk = desks[index % desks.length]!
      const { id } = await done(desk, 'notifications.send', { recipientId, text, channels: ['email'] })
      return { notificationId: id as string, email, text }
    }),
  )
  return { desk: desks[0]!, sent }
}

type Sent = Awaited<ReturnType<typeof someLetters>>

const deliveriesOf = async (
  { desk, sent }: Sent,
  status?: DeliveryView['status'],
): Promise<DeliveryView[]> => {
  const { data } = await done(desk, 'deliveries.list', { limit: 200, ...(status ? { status } : {}) })
  const views: DeliveryView[] = data.items.map(({ view }: { view: DeliveryView }) => view)
  return views.filter(({ notificationId }) => sent.some((one) => one.notificationId === notificationId))
}

const isUnderWay = ({ mails }: MailServer, { sent }: Sent) =>
  vi.waitFor(() => {
    expect(mails.length).toBeGreaterThan(5)
    expect(mails.length).toBeLessThan(sent.length)
  }, PATIENCE)

const idOf = ({ headers }: Mail) => headers['message-id']

/**
 * Nothing is lost, and what came twice is one letter, which its recipient's mail program can tell.
 * @returns the deliveries of the letters that came more than once
 */
const everybodyHasTheirs = async ({ mails }: MailServer, letters: Sent) => {
  const deliveries = await vi.waitFor(async () => {
    const found = await deliveriesOf(letters)
    expect(found).toHaveLength(letters.sent.length)
    expect(found.filter(({ status }) => status !== 'sent')).toEqual([])
    return found
  }, PATIENCE)
  const byId = Map.groupBy(mails, idOf)
  expect(new Set(byId.keys())).toEqual(new Set(deliveries.map(({ id }) => `<${id}@laurel.example>`)))
  for (const copies of byId.values()) {
    const contents = copies.map(({ to, text }) => JSON.stringify([to, text]))
    expect(new Set(contents).size).toBe(1)
  }
  const received = [...byId.values()].map(([first]) => {
    const [, text] = /^(letter \d)$/m.exec(first!.text) ?? []
    return `${first!.to.join()} ${text}`
  })
  expect(received.toSorted()).toEqual(letters.sent.map(({ email, text }) => `${email} ${text}`).toSorted())
  return deliveries.filter(({ id }) => byId.get(`<${id}@laurel.example>`)!.length > 1).map(({ id }) => id)
}

describe.runIf(isPostgres)('S4.17 e-mails of two nodes', () => {
  it(
    'come once to each recipient when one of the nodes is closed while they are under way',
    LONG,
    async () => {
      const mail = await aSlowMailServer()
      const one = await aServer({ mail: { url: mail.url, from: FROM } })
      const other = await one.another()
      const letters = await someLetters([one, other])
      await isUnderWay(mail, letters)
      await other.close()
      // Whoever is closed brings to its end what it has begun.
      expect(await everybodyHasTheirs(mail, letters)).toEqual([])
    },
  )

  it(
    'are none of them lost when one of the nodes is killed; what comes again is the same letter',
    LONG,
    async () => {
      const mail = await aSlowMailServer()
      const gateway: ReadonlySet<NodeRole> = new Set<NodeRole>(['gateway', 'scheduler'])
      const one = await aServer({ roles: gateway })
      const workers = [aWorker(one, mail), aWorker(one, mail)]
      for (const worker of workers) await worker.prints(/is running/)
      const letters = await someLetters([one])
      await isUnderWay(mail, letters)
      workers[0]!.signal('SIGKILL')
      await workers[0]!.exit
      const sentBefore = await deliveriesOf(letters, 'sent')
      const repeated = new Set(await everybodyHasTheirs(mail, letters))
      // Only what the dead node had not yet written down.
      expect(sentBefore.filter(({ id }) => repeated.has(id))).toEqual([])
    },
  )
})

const aWorker = ({ databaseOptions }: TestServer, { url }: MailServer): Program => {
  if (!('url' in databaseOptions)) throw new Error('it needs PostgreSQL')
  return run(['src/main.ts', '--roles=worker'], {
    PORT: '0',
    DATABASE_URL: databaseOptions.url,
    LAUREL_DEMO: 'off',
    LAUREL_MIGRATE: 'off',
    LAUREL_TOKEN_SECRET: 'a secret for tests, long enough for anybody',
    LAUREL_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    LAUREL_SMTP_URL: url,
    LAUREL_MAIL_FROM: `${FROM.name} <${FROM.address}>`,
    PAYSTACK_SECRET_KEY: 'sk_test_of_no_account',
  })
}
