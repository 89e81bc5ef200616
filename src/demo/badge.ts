import { setTimeout as wait } from 'node:timers/promises'
import type { BadgeView } from '../../contracts/badge.ts'
import type { EventFrame } from '../../contracts/protocol.ts'
import { ADMIN_EMAIL, mentorEmail } from './accounts.ts'
import { goLive, signIn } from './client.ts'
import { PAUSE_MS, pushed, type Screen } from './screen.ts'

const PATIENCE_MS = 20_000
const VISITS = 3

/** A mentor earns a badge by what they do, is awarded it once more to no effect, and loses it when it was not so. */
export const showBadge = async (options: {
  url: string
  password: string
  screen: Screen
}): Promise<void> => {
  const { url, password, screen } = options
  const { say } = screen
  const admin = await signIn(url, ADMIN_EMAIL, password)
  const me = await signIn(url, mentorEmail(1), password)
  const boss = await goLive(url, admin, `user:${admin.userId}`, () => {})
  const mentor = await goLive(url, me, `user:${me.userId}`, (event) => {
    if (/^(badge|notification)\./.test(event.type)) say(pushed(event, described(event)))
  })
  // Of a sort of its own, so that the visits of earlier runs do not count.
  const now = new Date().toISOString().slice(11, 19)
  const sort = `visit ${now}`
  try {
    say(`1  You are ${ADMIN_EMAIL}. A badge for ${VISITS} visits:`)
    const { id: definitionId } = await boss.command('badgeDefinitions.define', {
      name: `Door opener, ${now}`,
      iconKey: 'door',
      description: 'Goes to see people at home',
      criteria: { match: 'all', rules: [{ kind: 'activity_count', value: VISITS, of: sort }] },
    })
    await boss.command('badgeDefinitions.activate', { id: definitionId })
    await wait(PAUSE_MS)

    say()
    say(`2  ${mentorEmail(1)} makes ${VISITS} visits, and watches:`)
    const visit = { recipientId: me.userId, kind: 'activity', of: sort }
    let last = ''
    for (let visits = 0; visits < VISITS; visits++) {
      last = (await boss.command('badgeFacts.record', visit)).id
      say(`             visit ${visits + 1} is recorded`)
    }
    const isIts = ({ data }: EventFrame) => (data as { definitionId?: string }).definitionId === definitionId
    const { actor } = await mentor.pushed('badge.earned', isIts, PATIENCE_MS)
    const isAbout = ({ view }: EventFrame) => (view as { subject?: { id: string } }).subject?.id === actor.id
    await mentor.pushed('notification.created', isAbout, PATIENCE_MS)
    await wait(PAUSE_MS)

    say()
    say('3  You award it by hand, ten times at once. It is there already:')
    const award = { definitionId, recipientId: me.userId }
    const answers = await Promise.all(Array.from({ length: 10 }, () => boss.command('badges.award', award)))
    const same = answers.filter(({ id }) => id === actor.id).length
    say(`             ${same} of ${answers.length} answers are that badge; nothing was pushed`)
    await wait(PAUSE_MS)

    say()
    say('4  The last visit did not take place:')
    await boss.command('badgeFacts.takeBack', { id: last, reason: 'Nobody was at home' })
    await mentor.pushed('badge.revoked', isIts, PATIENCE_MS)
  } finally {
    boss.close()
    mentor.close()
  }
  summarise(screen)
}

const described = ({ type, data, view }: EventFrame): string => {
  if (type.startsWith('notification.')) return (data as { text: string }).text
  const { name, criteria, revokeReason } = view as BadgeView
  return type === 'badge.revoked' ? `${name}: ${revokeReason}` : `${name}: ${criteria}`
}

const summarise = ({ say }: Screen) => {
  say()
  say('What you have seen:')
  say('  - facts are counted by one statechart for each person, and badges are looked at after each of them;')
  say('  - however often and from wherever a badge is awarded, there is one, and one event of it;')
  say('  - what is taken back is gone from the count, and with it what it had earned.')
  say()
  say('Where to go on:')
  say('  docs/badges.md               criteria, periods, editions, and the REST routes')
  say('  machines/achievement.ts      what one person has done')
  say('  machines/badge.ts            the whole life of a badge')
}
