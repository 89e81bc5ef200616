import { createTransport } from 'nodemailer'
import { atMost } from '../gateway/at-most.ts'

export type MailOptions = {
  /** `smtp://user:password@host:587` or `smtps://…`. */
  url: string
  from: { name: string; address: string }
}

/** One e-mail, ready to be sent. */
export type Letter = {
  /** The same for the same delivery, however often it is sent: whoever gets it twice can tell. */
  id: string
  to: { name: string; address: string }
  subject: string
  text: string
  html: string
  language: string
}

export type MailAnswer = { ok: true } | { ok: false; permanent: boolean; code: string }

export type Mailer = {
  /** Hands nothing over any more once it is aborted. */
  send: (letter: Letter, signal: AbortSignal) => Promise<MailAnswer>
  close: () => void
}

const TIMEOUT_MS = 20_000
const CONNECTIONS = 4

/** Sends through one mail server that the operator names; nothing that anybody writes chooses another one. */
export const createMailer = ({ url, from }: MailOptions): Mailer => {
  const transport = createTransport({
    ...serverOf(url),
    pool: true,
    maxConnections: CONNECTIONS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // A letter is what stands in it: nothing is read from disk or fetched for it.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // A letter that waits inside the transport would be sent after its attempt had been given up, and once more by the next one.
  const oneOfFew = atMost(CONNECTIONS)
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  return {
    send: async ({ id, to, subject, text, html, language }, signal) => {
      const hand = () => {
        signal.throwIfAborted()
        return transport.sendMail({
          from: { name: from.name, address: from.address },
          to: { name: oneLine(to.name), address: to.address },
          // Said outright, so that no name is ever read as an address.
          envelope: { from: from.address, to: [to.address] },
          messageId: `<${id}@${domain}>`,
          subject: oneLine(subject),
          text,
          html,
          xMailer: false,
          headers: {
            // RFC 3834: no holiday notes in answer.
            'Auto-Submitted': 'auto-generated',
            'X-Auto-Response-Suppress': 'All',
            'Content-Language': language,
          },
        })
      }
      try {
        await oneOfFew(hand)
        return { ok: true }
      } catch (error) {
        return failureOf(error)
      }
    },
    close: () => transport.close(),
  }
}

const serverOf = (url: string) => {
  const { protocol, hostname, port, username, password } = new URL(url)
  const secure = protocol === 'smtps:'
  const host = hostname.replace(/^\[|\]$/g, '')
  const user = decodeURIComponent(username)
  return {
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    // A password goes to nobody in clear text, but to this very machine.
    requireTLS: !secure && user !== '' && !LOOPBACK.includes(host),
    ...(user === '' ? {} : { auth: { user, pass: decodeURIComponent(password) } }),
  }
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1']

/** What would begin another header ends up as a space. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

/** Codes only: what mail servers say repeats addresses, and may repeat more. */
const failureOf = (error: unknown): MailAnswer => {
  if ((error as Error).name === 'AbortError' || (error as Error).name === 'TimeoutError')
    return again('timeout')
  const { code = '', responseCode = 0 } = error as { code?: string; responseCode?: number }
  // Our own sign-in or encryption does not work: that is nobody's address.
  if (code === 'EAUTH' || code === 'ENOAUTH' || code === 'EOAUTH2') return again('mail_sign_in')
  if (code === 'ETLS') return again('mail_encryption')
  if (responseCode >= 500) return { ok: false, permanent: true, code: `smtp_${responseCode}` }
  if (responseCode >= 400) return again(`smtp_${responseCode}`)
  return again(code === 'ETIMEDOUT' ? 'timeout' : 'unreachable')
}

const again = (code: string): MailAnswer => ({ ok: false, permanent: false, code })
