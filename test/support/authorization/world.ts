import { onTestFinished, expect } from 'vitest'
import webPush from 'web-push'
import type { Role } from '../../../actors/actor.ts'
import { actors } from '../../../actors/registry.ts'
import { routesOf } from '../../../src/gateway/routes.ts'
import { createSimulator } from '../../../src/paystack-simulator/simulator.ts'
import { aTutor } from '../catalog-scene.ts'
import { days } from '../clock.ts'
import { http } from '../http.ts'
import { anOrganisation, aServer, aTeam, aUser, connect, type Client } from '../server.ts'
import type { Relation, Verdicts } from './verdicts.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
export const PATIENCE = { timeout: 300_000 }

export type Target = {
  orgId: string
  mentorId: string
  certificationId: string
  coordinatorId: string
  userId: string
}

/** One command or query: who may, and how it is asked for a target, which everything that it needs is prepared for. */
export type Rule = {
  verdicts: Verdicts
  /** For an id that there is not: what those hear who may not know that either. */
  absent?: Verdicts
  payload: (target: Target, world: World) => Promise<object> | object
  /** The field that names the target; none for what addresses nobody. */
  names?: string
}

export const VAPID = webPush.generateVAPIDKeys()

export type World = Omit<Awaited<ReturnType<typeof aWorld>>, 'usual' | 'others' | 'callers'>

/** One organisation in which everybody is somebody else, and another one. */
export const aWorld = async () => {
  const secretKey = 'sk_test_0123456789abcdef'
  const provider = await createSimulator({ port: 0, host: '127.0.0.1', secretKey, now: Date.now })
  onTestFinished(provider.close)
  const push = { ...VAPID, subject: 'mailto:operations@example.org', loopback: true }
  const server = await aServer({ paystack: { url: provider.url, secretKey }, push })
  const team = await aTeam(server)
  const { orgId, adminClient: boss } = team
  const elsewhere = await anOrganisation(server)
  const person = (roles: Role[], org = orgId) => aUser(server, roles, org)
  const [
    csm,
    otherCoordinator,
    otherMentor,
    student,
    instructor,
    many,
    nobodyYet,
    strangeAdmin,
    strangeCoordinator,
    strangeMentor,
  ] = await Promise.all([
    person(['csm']),
    person(['coordinator']),
    person(['peer_mentor']),
    person(['student']),
    person(['instructor']),
    person(['student', 'peer_mentor', 'coordinator']),
    person([]),
    person(['admin', 'csm', 'coordinator', 'peer_mentor'], elsewhere),
    person(['coordinator'], elsewhere),
    person(['peer_mentor'], elsewhere),
  ])
  const everybody = [
    [team.admin, team.coordinator, team.mentorUser, csm, otherCoordinator, otherMentor, student, instructor],
    [many, nobodyYet, strangeAdmin, strangeCoordinator, strangeMentor],
  ].flat()
  const clients = new Map<string, Client>()
  for (const one of everybody) clients.set(one.id, await connect(server, one))
  const teacher = await aTutor(server, { orgId, admin: boss })
  const people = new Map(everybody.map((one) => [one.id, one]))
  const world = {
    people,
    server,
    ...team,
    boss,
    teacher,
    elsewhere,
    otherCoordinator,
    otherMentor,
    student,
    many,
    clients,
  }

  const aTarget = async (userId: string, coordinatorId: string): Promise<Target> => {
    const target = { orgId, mentorId: '', certificationId: '', coordinatorId, userId }
    target.mentorId = (await aMentor(target, world)).id
    target.certificationId = (await aCertification(target, world)).id
    return target
  }
  const usual = await aTarget(team.mentorUser.id, team.coordinator.id)
  const others = await aTarget(otherMentor.id, otherCoordinator.id)
  const callers: [string, Relation, string, Target][] = [
    ['an administrator', 'admin', team.admin.id, usual],
    ['a success manager', 'csm', csm.id, usual],
    ['the coordinator in charge', 'inCharge', team.coordinator.id, usual],
    ['another coordinator', 'nobody', otherCoordinator.id, usual],
    ['the mentor', 'self', team.mentorUser.id, usual],
    ['another mentor', 'nobody', otherMentor.id, usual],
    ['a student', 'nobody', student.id, usual],
    ['an instructor', 'nobody', instructor.id, usual],
    ['a user without roles', 'nobody', nobodyYet.id, usual],
    ['a user of many roles, elsewhere in the organisation', 'nobody', many.id, usual],
    ['a user of many roles, as coordinator', 'inCharge', many.id, await aTarget(otherMentor.id, many.id)],
    ['a user of many roles, as mentor', 'self', many.id, await aTarget(many.id, team.coordinator.id)],
    ['an administrator of another organisation', 'strangeAdmin', strangeAdmin.id, usual],
    ['a coordinator of another organisation', 'stranger', strangeCoordinator.id, usual],
    ['a mentor of another organisation', 'stranger', strangeMentor.id, usual],
  ]
  return { ...world, usual, others, callers }
}

export const dates = ({ server }: World) => ({
  issuedAt: server.clock.at(-days(1)),
  expiresAt: server.clock.at(days(200)),
})

export const aCertification = async ({ mentorId }: Target, world: World): Promise<{ id: string }> => {
  const { ok, id } = await world.boss.call('certifications.issue', {
    mentorId,
    certType: 'other',
    ...dates(world),
  })
  expect(ok).toBe(true)
  return { id }
}

export const aMentor = async (
  { userId, coordinatorId }: Target,
  { boss }: World,
): Promise<{ id: string }> => {
  const { ok, id } = await boss.call('mentors.register', { userId, coordinatorId })
  expect(ok).toBe(true)
  return { id }
}

const FOR_OPERATORS = routesOf(actors.filter(({ contract }) => contract.audience === 'operators'))

/** Everybody asks in `/live`, and over HTTP for what is not there: only operators come into `/admin`. */
export const ask = async (
  { server, clients, people }: World,
  userId: string,
  name: string,
  payload: object,
) => {
  const route = FOR_OPERATORS.find(({ operationId }) => operationId === name)
  if (!route) return clients.get(userId)!.call(name, payload)
  const { id = '', ...fields } = payload as { id?: string }
  const { method, url } = route
  const body = method === 'GET' ? {} : { body: fields }
  const answer = await http(server, people.get(userId))(method, url.replace(':id', id), body)
  if (answer.body.status === 'success') return { ok: true }
  const { code, message } = answer.body.error
  return { ok: false, error: { code, message } }
}

export const verdictOf = ({ ok, error }: { ok: boolean; error?: { code: string; message: string } }) =>
  ok ? 'ok' : error!.code
