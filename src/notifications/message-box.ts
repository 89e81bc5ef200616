import type { Letter, Mailer } from './mail.ts'

/** A letter that nobody was sent. */
export type KeptMessage = Letter & { at: string }

export type MessageBox = Mailer & {
  /** The newest first. */
  messages: () => readonly KeptMessage[]
}

const MOST_KEPT = 100

/** For development: takes the place of a mail server and keeps what it would send, in memory and for as long as the process lives. */
export const createMessageBox = (now: () => number): MessageBox => {
  /** By delivery, the oldest first: one that is tried again is the same letter. */
  const kept = new Map<string, KeptMessage>()
  return {
    send: async (letter) => {
      kept.delete(letter.id)
      kept.set(letter.id, { ...letter, at: new Date(now()).toISOString() })
      const [oldest] = kept.keys()
      if (kept.size > MOST_KEPT) kept.delete(oldest!)
      return { ok: true }
    },
    messages: () => [...kept.values()].toReversed(),
    close: () => kept.clear(),
  }
}
