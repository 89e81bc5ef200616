import type { EventFrame } from '../../contracts/protocol.ts'
import { ADMIN_EMAIL, LEARNER_EMAIL, TUTOR_EMAIL } from './accounts.ts'
import { goLive, signIn, type Live, type Me } from './client.ts'

type Person = { me: Me; live: Live }

/** Everybody whom a course concerns, signed in, each on the topic of themselves. */
export type Cast = { tutor: Person; learner: Person; admin: Person }

/** Plays something with them, and closes their connections however it ends. `tell` hears what the learner is pushed. */
export const withCast = async (
  { url, password }: { url: string; password: string },
  tell: (event: EventFrame) => void,
  play: (cast: Cast) => Promise<void>,
): Promise<void> => {
  const person = async (email: string, onEvent: (event: EventFrame) => void): Promise<Person> => {
    const me = await signIn(url, email, password)
    return { me, live: await goLive(url, me, `user:${me.userId}`, onEvent) }
  }
  const tutor = await person(TUTOR_EMAIL, () => {})
  const admin = await person(ADMIN_EMAIL, () => {})
  const learner = await person(LEARNER_EMAIL, tell)
  try {
    await play({ tutor, learner, admin })
  } finally {
    for (const { live } of [tutor, admin, learner]) live.close()
  }
}
