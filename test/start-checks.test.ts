import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { aServer, aTeam, type TestServer } from './support/server.ts'

const sql = (server: TestServer, text: string) => server.database.sql.query({ name: '', text })

/** A server with two mentors of this build's version, one of which is stored under the name that is given. */
const storedAs = async (machine: string) => {
  const server = await aServer()
  await aTeam(server)
  await aTeam(server)
  await sql(
    server,
    `update mentor set machine = '${machine}' where id = (select max(id::text)::uuid from mentor)`,
  )
  return server
}

it.each(['mentor@99', 'a-first-one@1', 'zebra@1'])(
  'a start is refused while an actor is stored as %s, and the others stay what they are',
  async (machine) => {
    const server = await storedAs(machine)
    await expect(server.restart()).rejects.toMatchObject({
      name: 'StartRefused',
      message: expect.stringContaining(
        `'mentor' actors are stored as ${machine}, which this build does not know`,
      ),
    })
  },
)

it('a start is refused when no actor is stored in a version that this build knows', async () => {
  const server = await aServer()
  await aTeam(server)
  await sql(server, `update mentor set machine = 'mentor@98'`)
  await expect(server.restart()).rejects.toMatchObject({
    name: 'StartRefused',
    message: expect.stringContaining('stored as mentor@98, which'),
  })
})

it.each([
  ['rename column cert_type to kind', 'table "certification" has no column "cert_type"'],
  ['alter column cert_type type varchar(9)', 'table "certification" has "cert_type" as character varying(9)'],
])('a start is refused after `alter table certification %s`', async (change, message) => {
  const server = await aServer()
  await sql(server, `alter table certification ${change}`)
  await expect(server.restart()).rejects.toMatchObject({
    name: 'StartRefused',
    message: expect.stringContaining(message),
  })
})

it('a start that finds its port taken leaves nothing running', async () => {
  const server = await aServer()
  await server.close()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  await expect(server.another({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  for (let look = 0; look < 100 && timers() > before; look++) await sleep(50)
  expect(timers()).toBeLessThanOrEqual(before)
  other.close()
})
