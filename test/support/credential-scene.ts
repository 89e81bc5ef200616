import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, vi } from 'vitest'
import type { LaurelServer } from '../../src/server.ts'
import { aDefinition } from './badge-scene.ts'
import { done } from './catalog-scene.ts'
import { http } from './http.ts'
import { anOrganisation, aUser, connect, type Client, type Person, type TestServer } from './server.ts'

/** An organisation that gives credentials, and somebody who holds them. */
export const anIssuer = async (
  server: TestServer,
  onFinished: (end: () => void) => unknown = onTestFinished,
) => {
  const orgId = await anOrganisation(server)
  const admin = await aUser(server, ['admin'], orgId)
  const holder = await aUser(server, ['student'], orgId)
  return { server, orgId, admin, holder, boss: await connect(server, admin, '/live', onFinished) }
}

export type Issuer = Awaited<ReturnType<typeof anIssuer>>

export type Certificate = { id: string; number: string; link: string }

/** A certificate that has its number. */
export const aCertificate = async (
  { server, boss, holder }: Pick<Issuer, 'server' | 'boss' | 'holder'>,
  fields: object = {},
): Promise<Certificate> => {
  const { id } = await done(boss, 'certificates.issue', {
    trackId: randomUUID(),
    title: 'Night shift & first aid',
    userId: holder.id,
    ...fields,
  })
  const number = await vi.waitFor(
    async () => {
      const { data } = await done(boss, 'certificates.get', { id })
      expect(data.number).toMatch(/^CERT-/)
      return data.number as string
    },
    { timeout: 20_000, interval: 20 },
  )
  return { id, number, link: await linkOf(server, holder, id) }
}

/** A badge that the holder has. */
export const aBadge = async ({ server, boss, holder }: Pick<Issuer, 'server' | 'boss' | 'holder'>) => {
  const definitionId = await aDefinition(boss)
  const { id } = await done(boss, 'badges.award', { definitionId, recipientId: holder.id })
  return { id: id as string, definitionId, link: await linkOf(server, holder, id as string) }
}

/** The end of the link that the holder gives away. */
const linkOf = async (server: Pick<LaurelServer, 'url'>, holder: Person, id: string): Promise<string> => {
  const { status, body } = await http(server, holder)('GET', `/api/v1/credentials/${id}`)
  expect(status).toBe(200)
  return (body.data.link as string).split('/').at(-1)!
}

export const revoke = (boss: Client, id: string, reason = 'Issued by mistake') =>
  done(boss, 'certificates.revoke', { id, reason })
