import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** What the server does with one request. */
export type Line = (response: ServerResponse, request: IncomingMessage) => void

export type Asked = { method: string; path: string; body: unknown; headers: IncomingMessage['headers'] }

/** An HTTP server on loopback that answers each request with the next line, and remembers what it was asked. */
export const aScriptedServer = async (...lines: Line[]) => {
  const asked: Asked[] = []
  const say = (...more: Line[]) => void lines.push(...more)
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url: path = '', headers } = request
      asked.push({ method, path, headers, body: body === '' ? null : JSON.parse(body) })
      const line = lines.shift() ?? answer(500, { status: false, message: 'nothing was written for this' })
      line(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, say }
}

export const answer =
  (status: number, body: unknown): Line =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body))

/** A success in Paystack's envelope. */
export const success = (data: unknown, meta?: object): Line =>
  answer(200, { status: true, message: 'ok', data, ...(meta ? { meta } : {}) })

export const refusal = (status: number, code: string, message = 'No'): Line =>
  answer(status, { status: false, message, type: 'validation_error', code })

export const silence: Line = () => {}

/** The request has arrived, and the connection breaks. */
export const reset: Line = (_, { socket }) => socket.resetAndDestroy()

/** The head of an answer, and never the end of its body. */
export const half: Line = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).write('{"status":true,')
}
