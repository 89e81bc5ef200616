import { randomUUID } from 'node:crypto'
import { expect, vi } from 'vitest'
import type { Role } from '../../actors/actor.ts'
import { anOrganisation, aUser, connect, type Client, type Person, type TestServer } from './server.ts'

/** Somebody with a connection. */
export type Actor = Person & Client

export const anActor = async (server: TestServer, roles: readonly Role[], orgId?: string): Promise<Actor> => {
  const person = await aUser(server, roles, orgId)
  return { ...person, ...(await connect(server, person)) }
}

/** The answer to a call that has to succeed. */
export const done = async (client: Client, name: string, payload: object = {}) => {
  const reply = await client.call(name, payload)
  if (!reply.ok) throw new Error(`${name}: ${reply.error.code} ${reply.error.message}`)
  return reply
}

/** `ok`, or the code of the refusal. */
export const codeOf = async (client: Client, name: string, payload: object = {}): Promise<string> => {
  const reply = await client.call(name, payload)
  return reply.ok ? 'ok' : reply.error.code
}

/** A tutor with a profile, which is approved unless the test says otherwise. */
export const aTutor = async (
  server: TestServer,
  { orgId, admin, approved = true }: { orgId: string; admin: Client; approved?: boolean },
) => {
  const tutor = await anActor(server, ['instructor'], orgId)
  const { id: profileId } = await done(tutor, 'tutorProfiles.create')
  if (approved) await done(admin, 'tutorProfiles.approve', { id: profileId })
  return { ...tutor, profileId: profileId as string }
}

export type Tutor = Awaited<ReturnType<typeof aTutor>>

/** A pack that everybody may see, under a title of its own. */
export const aPack = async (tutor: Tutor, others: object = {}): Promise<string> =>
  (
    await done(tutor, 'offerings.createCoursePack', {
      tutorProfileId: tutor.profileId,
      title: `Pack ${randomUUID()}`,
      preliminaryMeetingRequired: false,
      ...others,
    })
  ).id

export const aCourse = async (tutor: Tutor, others: object = {}): Promise<string> =>
  (
    await done(tutor, 'offerings.createCourse', {
      title: `Course ${randomUUID()}`,
      isPublished: true,
      ...others,
    })
  ).id

/** An organisation with an administrator, a learner and a tutor whose profile is approved. */
export const aCatalogue = async (server: TestServer) => {
  const orgId = await anOrganisation(server)
  const [admin, learner] = await Promise.all([
    anActor(server, ['admin'], orgId),
    anActor(server, ['student'], orgId),
  ])
  const tutor = await aTutor(server, { orgId, admin })
  return { orgId, admin, learner, tutor }
}

/** What one offering says to somebody; nothing when that one may not see it. */
export const offeringFor = async (client: Client, id: string) =>
  (await client.call('offerings.get', { id })).data

/** Deletes an offering, and waits until its roster has said that nobody is enrolled. */
export const deleted = async (client: Client, id: string): Promise<void> => {
  await vi.waitFor(
    async () => {
      const code = await codeOf(client, 'offerings.delete', { id })
      expect(code).toBe('not_found')
    },
    { timeout: 25_000, interval: 50 },
  )
}
