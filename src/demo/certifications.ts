import { setTimeout as wait } from 'node:timers/promises'
import type { CertificationView } from '../../contracts/certification.ts'
import type { EventFrame } from '../../contracts/protocol.ts'
import { coordinatorEmail, COORDINATORS } from './accounts.ts'
import { createBoard, type Board } from './board.ts'
import { DemoStopped, goLive, signIn, type Live } from './client.ts'
import { PAUSE_MS, pushed, type Screen } from './screen.ts'

const EXPIRES_IN_MS = 6_000
const PATIENCE_MS = 20_000
const YEAR_MS = 365 * 86_400_000

type Stage = { screen: Screen; board: Board; live: Live; email: string }

/** A coordinator's live board: a renewal, an expiry, and what they do to mentors. */
export const showCertifications = async (url: string, password: string, screen: Screen): Promise<void> => {
  const stage = await enter(url, password, screen)
  const { board, live, email } = stage
  screen.say(`You are ${email}, a coordinator. This is your board; every change below was pushed:`)
  screen.show(board.lines(Date.now()))
  const clock = setInterval(() => screen.refresh(board.lines(Date.now())), 250)
  try {
    await wait(PAUSE_MS)
    await renewSoonest(stage)
    await wait(PAUSE_MS)
    await watchExpiry(stage)
    await wait(PAUSE_MS)
  } finally {
    clearInterval(clock)
    live.close()
  }
  screen.leave()
  if (!process.stdout.isTTY) screen.show(board.lines(Date.now()))
  summarise(screen)
}

/** Signs in as the first coordinator who still has a mentor to show something with. */
const enter = async (url: string, password: string, screen: Screen): Promise<Stage> => {
  for (let number = 1; number <= COORDINATORS; number++) {
    const email = coordinatorEmail(number)
    const me = await signIn(url, email, password)
    const board = createBoard(me.orgId)
    const live = await goLive(url, me, `coordinator:${me.userId}`, (event) => {
      board.apply(event)
      screen.say(pushed(event, described(event, board)))
      screen.refresh(board.lines(Date.now()))
    })
    board.start(live.subscribed.topics[0]!.snapshot)
    if (board.candidate()) return { screen, board, live, email }
    live.close()
  }
  throw new DemoStopped(
    'All demo mentors hold all certificates by now. Stop Laurel, delete its data folder and start afresh.',
  )
}

const renewSoonest = async ({ screen, board, live }: Stage) => {
  const next = board.soonest()
  if (!next) return
  screen.say()
  screen.say(`1  You renew what expires next: ${next.certType} of ${board.mentorName(next.mentorId)}.`)
  const sentAt = performance.now()
  const { id, version } = await live.command('certifications.renew', { id: next.id, ...fromNow(YEAR_MS) })
  const tookMs = Math.round(performance.now() - sentAt)
  screen.say(`             acknowledged after ${tookMs} ms: committed as version ${version}`)
  await live.pushed('certification.renewed', ({ actor }) => actor.id === id, PATIENCE_MS)
}

const watchExpiry = async ({ screen, board, live }: Stage) => {
  const { mentorId, certType } = board.candidate()!
  const mentor = board.mentorName(mentorId)
  screen.say()
  screen.say(
    `2  You issue ${certType} to ${mentor}, for ${EXPIRES_IN_MS / 1000} seconds. Then nobody does anything.`,
  )
  const { id } = await live.command('certifications.issue', { mentorId, certType, ...fromNow(EXPIRES_IN_MS) })
  const expired = await live.pushed('certification.expired', ({ actor }) => actor.id === id, PATIENCE_MS)
  const isLater = ({ actor, position }: EventFrame) => actor.id === mentorId && position > expired.position
  await live.pushed('mentor.held', isLater, PATIENCE_MS)
  await wait(PAUSE_MS)

  screen.say()
  screen.say(`3  You renew it for a year, and ${mentor} may work again.`)
  await live.command('certifications.renew', { id, ...fromNow(YEAR_MS) })
  await live.pushed('mentor.released', isLater, PATIENCE_MS)
}

const fromNow = (ms: number) => {
  const now = Date.now()
  return { issuedAt: new Date(now).toISOString(), expiresAt: new Date(now + ms).toISOString() }
}

const described = ({ actor, view }: EventFrame, { mentorName }: Board): string => {
  if (actor.type === 'mentor') return mentorName(actor.id)
  const { certType, mentorId, expiresAt } = view as CertificationView
  return `${certType} of ${mentorName(mentorId)}, until ${expiresAt.slice(0, 19).replace('T', ' ')}`
}

const summarise = ({ say }: Screen) => {
  say()
  say('What you have seen:')
  say('  - a command is acknowledged when it is committed, and pushed to everybody who may see it;')
  say('  - a certificate expires by a timer that is a row in the database: it outlives a restart;')
  say('  - one statechart told another: the mentor was held, and released by the renewal.')
  say()
  say('Where to go on:')
  say('  npm run demo -- badge        a mentor earns a badge, and loses it')
  say('  npm run demo -- course       a learner takes a course, which is removed: the money comes back')
  say('  npm run demo -- payment      a learner pays, and gets a part of it back')
  say('  docs/first-ten-minutes.md    do the same by hand, and pull the plug in between')
  say('  machines/certification.ts    the whole life of a certificate in one statechart')
  say('  docs/add-a-statechart.md     add one of your own')
}
