import { setTimeout as wait } from 'node:timers/promises'
import type { EnrollmentView } from '../../contracts/enrollment.ts'
import type { OfferingView } from '../../contracts/offering.ts'
import type { PaymentView } from '../../contracts/payment.ts'
import type { EventFrame } from '../../contracts/protocol.ts'
import type { RemovalView } from '../../contracts/removal.ts'
import { ADMIN_EMAIL, LEARNER_EMAIL, TUTOR_EMAIL } from './accounts.ts'
import { withCast, type Cast } from './cast.ts'
import { ask, DemoStopped, type Live } from './client.ts'
import { inMajor } from './offerings.ts'
import { PAUSE_MS, pushed, type Screen } from './screen.ts'
import { isSimulated, pressPay } from './simulated-page.ts'

/** For somebody with a browser; the sign-in ends soon after it. */
const CUSTOMER_MS = 10 * 60_000
/** For everybody else. */
const PATIENCE_MS = 60_000

const PRICE = { minor: 1_200_000, currency: 'NGN' }
const MODULES = ['Look, call, press', 'Bleeding and burns', 'What to say afterwards']

type Options = { url: string; password: string; screen: Screen; pay: boolean }
type Scene = Cast & { url: string; screen: Screen }

/** A tutor publishes a course, a learner takes it, and the administrator takes it away again: the money comes back. */
export const showCourse = async ({ url, password, screen, pay }: Options): Promise<void> => {
  const { say } = screen
  const tell = (event: EventFrame) => say(pushed(event, described(event)))
  await withCast({ url, password }, tell, async (cast) => {
    const scene = { url, screen, ...cast }
    const course = await publish(scene)
    await browse(scene, course)
    const enrolled = await enrol(scene, course, pay)
    await wait(PAUSE_MS)
    await learn(scene, course, enrolled)
    await wait(PAUSE_MS)
    await remove(scene, course, enrolled)
    summarise(screen)
  })
}

const publish = async ({ screen: { say }, tutor, admin }: Scene): Promise<OfferingView> => {
  say(`1  ${TUTOR_EMAIL} publishes a course of ${MODULES.length} modules.`)
  const { items } = (await tutor.live.query('tutorProfiles.list', { tutorId: tutor.me.userId })) as {
    items: { id: string; state: string }[]
  }
  const profile = items[0] ?? (await tutor.live.command('tutorProfiles.create', {}))
  if (profile.state !== 'approved') await admin.live.command('tutorProfiles.approve', { id: profile.id })
  const title = `First aid at work, ${new Date().toISOString().slice(11, 19)}`
  const { id } = await tutor.live.command('offerings.createCourse', {
    title,
    description: 'What to do until somebody comes who knows more.',
    price: PRICE,
    durationMinutes: 90,
    difficulty: 'beginner',
  })
  await tutor.live.command('offerings.setModules', {
    id,
    modules: MODULES.map((module) => ({ title: module })),
  })
  return (await tutor.live.command('offerings.publish', { id })).data as OfferingView
}

/** Without a sign-in, as anybody may. */
const browse = async ({ url, screen: { say } }: Scene, { title }: OfferingView) => {
  say()
  say('2  Anybody looks for it, without signing in and with a slip of the pen: "frist aid".')
  const address = `${url}/api/v1/offerings/search?limit=3&text=${encodeURIComponent('frist aid')}`
  const { items = [] } = (await ask(address, {})).data as { items?: { view: OfferingView }[] }
  for (const { view } of items)
    say(`  ${view.title.padEnd(36)}${inMajor(view.price.minor, view.price.currency).padStart(16)}`)
  if (!items.some(({ view }) => view.title === title))
    say('  (Not among the first ones: there are many by now.)')
}

const enrol = async ({ screen: { say }, learner }: Scene, course: OfferingView, pay: boolean) => {
  const { live } = learner
  say()
  say(`3  You are ${LEARNER_EMAIL}, and enrol. Every line with "pushed" came over the socket by itself.`)
  const { id } = await live.command('enrollments.enroll', { offeringId: course.id })
  const isIts = ({ actor }: EventFrame) => actor.id === id
  await live.pushed('enrollment.reserved', isIts, PATIENCE_MS)
  const { id: paymentId } = await live.command('payments.initiate', {
    offeringId: course.id,
    method: 'paystack',
    amountMinor: course.price.minor,
  })
  const isPayment = ({ actor }: EventFrame) => actor.id === paymentId
  const ready = await live.pushed(['payment.checkoutReady', 'payment.failed'], isPayment, PATIENCE_MS)
  const { authorizationUrl: page } = ready.view as PaymentView
  if (page === undefined) throw new DemoStopped('The payment could not be started.')
  if (pay && !(await isSimulated(page))) {
    await live.command('payments.cancel', { id: paymentId })
    throw new DemoStopped(
      '--pay works with the simulator only; run `npm run demo -- course` and pay by hand.',
    )
  }
  say()
  say(pay ? '   The demo presses "Pay" on this page:' : '   Open this page in a browser, and pay:')
  say(`   ${page}`)
  say()
  if (pay) await pressPay(page)
  await live.pushed('enrollment.activated', isIts, CUSTOMER_MS)
  return id
}

const learn = async (
  { screen: { say }, learner: { live } }: Scene,
  { modules }: OfferingView,
  id: string,
) => {
  say()
  say('4  You work through the first module, and begin the second.')
  const report = (moduleId: string, progress: number) =>
    live.command('enrollments.recordProgress', { id, moduleId, progress, timeSpentSeconds: 600 })
  await report(modules[0]!.id, 1)
  const { data } = await report(modules[1]!.id, 0.25)
  say(
    `   ${Math.round((data as EnrollmentView).progress * 100)} % of the course; you would go on in the second module.`,
  )
}

const remove = async ({ screen: { say }, admin, learner }: Scene, course: OfferingView, enrolled: string) => {
  say()
  say(`5  You are ${ADMIN_EMAIL}, and have to take the course away. First, what would happen?`)
  const { id } = await admin.live.command('removals.plan', {
    offeringId: course.id,
    reason: 'the tutor has left',
  })
  const plan = await untilState(admin.live, id, 'planned')
  say(
    `   ${plan.total} enrollment(s), ${inMajor(plan.planned[PRICE.currency] ?? 0, PRICE.currency)} to give back.`,
  )
  say()
  say('6  You carry it out. The learner hears:')
  await admin.live.command('removals.run', { id })
  const isIts = ({ actor }: EventFrame) => actor.id === enrolled
  await learner.live.pushed('enrollment.refunded', isIts, PATIENCE_MS)
  const { processed, failed, review, total, refunded } = await untilState(admin.live, id, 'done')
  say()
  say(`   ${processed} of ${total} settled, ${failed} failed, ${review} to be looked at by people;`)
  say(`   ${inMajor(refunded[PRICE.currency] ?? 0, PRICE.currency)} given back.`)
}

/** The plan is made in the background. */
const untilState = async (live: Live, id: string, status: RemovalView['status']): Promise<RemovalView> => {
  for (let waited = 0; waited < PATIENCE_MS; waited += 100) {
    const view = (await live.query('removals.get', { id })) as RemovalView
    if (view.status === status) return view
    await wait(100)
  }
  throw new DemoStopped(`The removal was not ${status} within ${PATIENCE_MS / 1000} s.`)
}

const described = ({ type, data }: EventFrame): string => {
  const fact = data as Record<string, unknown>
  if (type === 'settlement.removedByAdmin')
    return `${fact['refund'] as string}: ${fact['refundNote'] as string}`
  if (type === 'notification.created') return fact['text'] as string
  return type.startsWith('enrollment.') && 'reason' in fact ? String(fact['reason']) : ''
}

const summarise = ({ say }: Screen) => {
  say()
  say('What you have seen:')
  say('  - enrolling and paying are two statecharts; either may come first, and the end is the same;')
  say(
    '  - the plan and the removal use one policy, which is kept beside each decision with what it looked at;',
  )
  say(
    '  - a removal is a statechart that counts; kill the server in the middle, and it goes on where it was.',
  )
  say()
  say('Where to go on:')
  say('  docs/catalogue.md            offerings, enrollments, removals, and who may do what')
  say('  machines/enrollment.ts       a learner in an offering, from asking to the end')
  say('  machines/settlement.ts       one row of a removal')
}
