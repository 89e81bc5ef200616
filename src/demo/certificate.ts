import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { OfferingView } from '../../contracts/offering.ts'
import type { EventFrame } from '../../contracts/protocol.ts'
import { ADMIN_EMAIL, LEARNER_EMAIL, TUTOR_EMAIL } from './accounts.ts'
import { withCast, type Cast } from './cast.ts'
import { ask, DemoStopped } from './client.ts'
import { PAUSE_MS, pushed, type Screen } from './screen.ts'

const PATIENCE_MS = 60_000
const MODULES = ['Look, call, press', 'Bleeding and burns']

type Options = { url: string; password: string; screen: Screen }
type Scene = Cast & { url: string; screen: Screen }

/** A learner completes a course and gets a certificate; the administrator suspends it, and revokes it for good. */
export const showCertificate = async ({ url, password, screen }: Options): Promise<void> => {
  const tell = (event: EventFrame) => {
    if (/^(?:certificate|notification)\./.test(event.type)) screen.say(pushed(event, described(event)))
  }
  await withCast({ url, password }, tell, async (cast) => {
    const scene = { url, screen, ...cast }
    const course = await publish(scene)
    await complete(scene, course)
    await wait(PAUSE_MS)
    const { id, number } = await issue(scene, course)
    await fetchFile(scene, id, number)
    await wait(PAUSE_MS)
    await withdraw(scene, id)
    summarise(screen)
  })
}

const publish = async ({ screen: { say }, tutor, admin }: Scene): Promise<OfferingView> => {
  const title = `First aid at work, ${new Date().toISOString().slice(11, 19)}`
  say(`1  ${TUTOR_EMAIL} publishes a course that costs nothing: ${title}`)
  const { items } = (await tutor.live.query('tutorProfiles.list', { tutorId: tutor.me.userId })) as {
    items: { id: string; state: string }[]
  }
  const profile = items[0] ?? (await tutor.live.command('tutorProfiles.create', {}))
  if (profile.state !== 'approved') await admin.live.command('tutorProfiles.approve', { id: profile.id })
  const { id } = await tutor.live.command('offerings.createCourse', { title, isPublished: true })
  const modules = MODULES.map((module) => ({ title: module }))
  return (await tutor.live.command('offerings.setModules', { id, modules })).data as OfferingView
}

const complete = async ({ screen: { say }, learner: { live } }: Scene, course: OfferingView) => {
  say(`2  You are ${LEARNER_EMAIL}. You enrol, and work through all of it.`)
  const { id } = await live.command('enrollments.enroll', { offeringId: course.id })
  const isIts = ({ actor }: EventFrame) => actor.id === id
  await live.pushed('enrollment.activated', isIts, PATIENCE_MS)
  for (const module of course.modules)
    await live.command('enrollments.recordProgress', { id, moduleId: module.id, progress: 1 })
  await live.pushed('enrollment.completed', isIts, PATIENCE_MS)
}

const issue = async ({ screen: { say }, learner: { live } }: Scene, course: OfferingView) => {
  say()
  say('3  You ask for a certificate. Every line with "pushed" came over the socket by itself.')
  const { id } = await live.command('certificates.issue', { offeringId: course.id })
  const issued = await live.pushed('certificate.issued', ({ actor }) => actor.id === id, PATIENCE_MS)
  const again = await live.command('certificates.issue', { offeringId: course.id })
  say(`   You ask once more, and find ${again.id === id ? 'the same one' : 'another one'}.`)
  return { id, number: (issued.data as { number: string }).number }
}

const fetchFile = async ({ url, screen: { say }, learner: { me } }: Scene, id: string, number: string) => {
  const headers = { authorization: `Bearer ${me.token}` }
  const record = (await ask(`${url}/api/certificates/${id}`, { headers })).data as { shareUrl?: string }
  const response = await fetch(`${url}/api/certificates/${id}/download`, { headers })
  if (!response.ok) throw new DemoStopped(`The document could not be fetched: ${response.status}.`)
  const path = join(tmpdir(), `${number}.pdf`)
  await writeFile(path, Buffer.from(await response.arrayBuffer()))
  say()
  say(`   The document:             ${path}`)
  say(`   Whoever scans its code:   ${record.shareUrl ?? ''}`)
}

const withdraw = async ({ screen: { say }, admin, learner: { live } }: Scene, id: string) => {
  const hears = (type: string) => live.pushed(type, ({ actor }) => actor.id === id, PATIENCE_MS)
  say()
  say(`4  You are ${ADMIN_EMAIL}, and have a doubt. The learner hears:`)
  await admin.live.command('certificates.suspend', { id, reason: 'the exam is looked at once more' })
  await hears('certificate.suspended')
  await wait(PAUSE_MS)
  await admin.live.command('certificates.reinstate', { id })
  await hears('certificate.reinstated')
  await wait(PAUSE_MS)
  await admin.live.command('certificates.revoke', { id, reason: 'it was taken by somebody else' })
  await hears('certificate.revoked')
}

const described = ({ type, data }: EventFrame): string => {
  const fact = data as Record<string, unknown>
  if (type === 'notification.created') return fact['text'] as string
  return [fact['number'], fact['reason']].filter((part) => typeof part === 'string').join(': ')
}

const summarise = ({ say }: Screen) => {
  say()
  say('What you have seen:')
  say('  - the number comes from a statechart of its own, which gives them out one after another;')
  say('  - asking twice finds what is there, and a unique index stands behind that;')
  say('  - a certificate is a statechart: what it is worth is known the moment that it changes.')
  say()
  say('Where to go on:')
  say('  docs/certificates.md           issuing, standing, documents, and who may do what')
  say('  machines/validity.ts           the life that certifications and certificates share')
  say('  machines/certificate-series.ts the numbers of one year')
}
