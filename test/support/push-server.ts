import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, type ECDH } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import jwt from 'jsonwebtoken'

export type Received = {
  path: string
  headers: IncomingHttpHeaders
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into payloads of every shape
  payload: any
}

type Answer = { status: number; headers?: Record<string, string> }

export type PushServer = {
  url: string
  received: Received[]
  /** What each path answers, one after the other; 201 after that. */
  answers: Record<string, Answer[]>
  /** A browser that subscribes: what its page would send to the server. */
  browser: () => { path: string; keys: { endpoint: string; p256dh: string; auth: string } }
  close: () => Promise<void>
}

/** A push service on loopback with the browsers behind it: it reads what only they can. */
export const aPushServer = async (): Promise<PushServer> => {
  const received: Received[] = []
  const answers: Record<string, Answer[]> = {}
  const browsers = new Map<string, { keys: ECDH; auth: Buffer }>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { url: path = '', headers } = request
      const browser = browsers.get(path)
      const payload: unknown = browser && JSON.parse(opened(Buffer.concat(chunks), browser))
      received.push({ path, headers, payload })
      const { status, headers: given } = answers[path]?.shift() ?? { status: 201 }
      response.writeHead(status, given).end('what a push service says is nobody’s business')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    received,
    answers,
    browser: () => {
      const keys = createECDH('prime256v1')
      keys.generateKeys()
      const auth = randomBytes(16)
      const path = `/push/${randomBytes(16).toString('hex')}`
      browsers.set(path, { keys, auth })
      const p256dh = keys.getPublicKey('base64url')
      return { path, keys: { endpoint: url + path, p256dh, auth: auth.toString('base64url') } }
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** RFC 8291 over RFC 8188, in one record. */
const opened = (body: Buffer, { keys, auth }: { keys: ECDH; auth: Buffer }): string => {
  const salt = body.subarray(0, 16)
  const sender = body.subarray(21, 21 + body[20]!)
  const sealed = body.subarray(21 + body[20]!)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), keys.getPublicKey(), sender])
  const secret = hkdfSync('sha256', keys.computeSecret(sender), auth, info, 32)
  const derived = (name: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(secret), salt, `Content-Encoding: ${name}\0`, bytes))
  const decipher = createDecipheriv('aes-128-gcm', derived('aes128gcm', 16), derived('nonce', 12))
  decipher.setAuthTag(sealed.subarray(-16))
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8')
}

/** What a push service checks: that the push is signed by whom the browser has subscribed to (RFC 8292). */
export const vapidClaims = ({ authorization = '' }: IncomingHttpHeaders, publicKey: string) => {
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(.+)$/.exec(authorization) ?? []
  if (key !== publicKey) throw new Error('signed by somebody else')
  const point = Buffer.from(publicKey, 'base64url')
  const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) }
  return jwt.verify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
    algorithms: ['ES256'],
  }) as jwt.JwtPayload
}
