import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { numberOf } from '../machines/certificate-series.ts'
import {
  anOrganisation,
  aServer,
  aUser,
  connect,
  signIn,
  type Client,
  type TestServer,
} from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'

/** All of them where there is time for that. */
const MANY = process.env['LAUREL_TEST_ALL'] === 'true' ? 5_000 : 1_500

type Row = { number: string; year: number }

/** So many certificates are asked for at once, over the end of a year, through all nodes. */
const overTheEndOfAYear = async (nodes: readonly TestServer[], wanted: number) => {
  const [one] = nodes
  const { clock, database } = one!
  const orgId = await anOrganisation(one!)
  const admin = await aUser(one!, ['admin'], orgId)
  const holder = await aUser(one!, ['student'], orgId)
  const year = new Date(clock.now()).getUTCFullYear()
  const midnight = Date.UTC(year + 1, 0, 1)
  clock.advance(midnight - clock.now() - 300_000)
  const clients = await Promise.all(nodes.map(async (node) => connect(node, await signIn(node, admin.email))))

  const issue = async (client: Client, at: number): Promise<void> => {
    const command = { trackId: randomUUID(), title: 'A track', userId: holder.id, commandId: randomUUID() }
    // A node that goes away has perhaps done it: the same command elsewhere says so.
    for (let turn = at; ; turn++) {
      const way = client.socket.connected ? client : clients[turn % 2]!
      const reply = await way.call('certificates.issue', command).catch(() => ({ ok: false }))
      if (reply.ok) return
    }
  }
  const atOnce = 64
  let asked = 0
  const half = Promise.withResolvers<void>()
  await Promise.all([
    ...clients.flatMap((client) =>
      Array.from({ length: atOnce }, async () => {
        while (asked < wanted) {
          asked += 1
          if (asked === Math.ceil(wanted / 2)) half.resolve()
          await issue(client, asked)
        }
      }),
    ),
    half.promise.then(() => {
      // In the middle of it all.
      clock.advance(midnight - clock.now())
      return nodes[2]?.close()
    }),
  ])

  const rows = (text: string) => database.sql.query<Row>({ name: randomUUID(), text })
  await vi.waitFor(
    async () => expect(await rows('select id from certificate where number is null')).toEqual([]),
    { timeout: 120_000, interval: 250 },
  )
  return {
    year,
    issued: await rows(
      `select number, extract(year from issued_at at time zone 'UTC')::integer as year from certificate`,
    ),
    series: await rows('select year::integer, last::integer from certificate_series order by year'),
  }
}

const isWithoutHoles = ({ year, issued, series }: Awaited<ReturnType<typeof overTheEndOfAYear>>) => {
  expect(new Set(issued.map(({ number }) => number)).size).toBe(issued.length)
  for (const each of [year, year + 1]) {
    const numbers = issued.filter((row) => row.year === each).map(({ number }) => number)
    expect(numbers.length).toBeGreaterThan(0)
    expect(new Set(numbers)).toEqual(new Set(numbers.map((_, index) => numberOf(each, index + 1))))
    expect(series).toContainEqual({ year: each, last: numbers.length })
  }
}

describe('C33 S3.15 numbers', () => {
  it(
    'of one node have neither a hole nor a duplicate at the end of a year',
    { timeout: 180_000 },
    async () => {
      const found = await overTheEndOfAYear([await aServer()], 300)
      expect(found.issued).toHaveLength(300)
      isWithoutHoles(found)
    },
  )

  it.runIf(isPostgres)(
    'of three nodes, one of which stops in the middle, have neither a hole nor a duplicate',
    { timeout: 400_000 },
    async () => {
      const one = await aServer()
      const found = await overTheEndOfAYear([one, await one.another(), await one.another()], MANY)
      expect(found.issued).toHaveLength(MANY)
      isWithoutHoles(found)
    },
  )
})
