import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** One message as the server took it. */
export type Mail = {
  from: string
  to: string[]
  headers: Record<string, string>
  text: string
  html: string
  raw: string
}

/** What the server says to the next message, instead of taking it. */
type Trouble =
  | { at: 'rcpt' | 'data'; code: number; text: string }
  /** Takes the message and is gone before it says so. */
  | { at: 'silence' }

export type MailServer = {
  url: string
  mails: Mail[]
  /** One each for the messages to come; those after them are taken. */
  troubles: Trouble[]
  /** From now on it takes so long to say that it has taken one. Milliseconds. */
  slow: (ms: number) => void
  close: () => Promise<void>
}

/** A real SMTP server on loopback. */
export const aMailServer = async (): Promise<MailServer> => {
  const mails: Mail[] = []
  const troubles: Trouble[] = []
  let pauseMs = 0
  const refusal = ({ code, text }: { code: number; text: string }) =>
    Object.assign(new Error(text), { responseCode: code })
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, done) => {
      const [trouble] = troubles
      if (trouble?.at !== 'rcpt') return done()
      troubles.shift()
      done(refusal(trouble))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const trouble = troubles.shift()
        if (trouble?.at === 'data') return done(refusal(trouble))
        const { mailFrom, rcptTo } = session.envelope
        const raw = Buffer.concat(chunks).toString('utf8')
        const from = mailFrom ? mailFrom.address : ''
        mails.push({ from, to: rcptTo.map(({ address }) => address), ...read(raw), raw })
        if (trouble?.at === 'silence') for (const client of server.connections) client.close()
        else if (pauseMs > 0) setTimeout(done, pauseMs)
        else done()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    troubles,
    slow: (ms) => {
      pauseMs = ms
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** A message with two alternatives, as RFC 2045 to 2047 have it. */
const read = (raw: string): Pick<Mail, 'headers' | 'text' | 'html'> => {
  const { headers, body } = split(raw)
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, '')))
  const partOf = (type: string) => {
    const part = parts.find((one) => one.headers['content-type']?.startsWith(type))
    return part ? decoded(part.body, part.headers['content-transfer-encoding'] ?? '') : ''
  }
  return { headers, text: partOf('text/plain'), html: partOf('text/html') }
}

const split = (raw: string) => {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), words(line.slice(colon + 1).trim())]
    }),
  )
  return { headers, body: rest.join('\r\n\r\n') }
}

const words = (value: string) =>
  value
    .replaceAll(/\?= =\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      decoded(kind.toLowerCase() === 'b' ? text : text.replaceAll('_', ' '), kind.toLowerCase()),
    )

const decoded = (text: string, encoding: string): string => {
  if (encoding === 'base64' || encoding === 'b') return Buffer.from(text, 'base64').toString('utf8')
  if (encoding !== 'quoted-printable' && encoding !== 'q') return text
  const bytes = text
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([\dA-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
