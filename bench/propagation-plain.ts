import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import type { Changed } from './propagation.ts'

const [redisUrl] = process.argv.slice(2)

/** Plain Socket.IO as its documentation has it: everybody in one room, and with Redis the adapter that it recommends. */
const http = createServer()
const io = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  perMessageDeflate: false,
  ...(redisUrl ? { adapter: createAdapter(new Redis(redisUrl), new Redis(redisUrl)) } : {}),
})
const namespace = io.of('/verify')
namespace.on('connection', (socket) => {
  void socket.join('room')
  socket.on('watch', (_payload, ack: (reply: object) => void) => ack({ ok: true }))
})

let count = 0
const change = (): Changed => {
  const key = String(++count)
  const instant = String(process.hrtime.bigint())
  const at = new Date().toISOString()
  const standing = { of: 'CERT-2026-00001', status: 'suspended', expiresAt: null, checkedAt: at, at }
  namespace.to('room').emit('credential.status', { ...standing, since: key })
  return { key, instant }
}

process.on('message', () => process.send!(change()))
process.on('disconnect', () => process.exit(0))
http.listen(0, '127.0.0.1', () => process.send!((http.address() as AddressInfo).port))
