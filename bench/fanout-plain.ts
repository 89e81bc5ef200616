import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { obeyParent } from './fanout-child.ts'
import type { Sent } from './subscribers.ts'

/** Names and frames that Laurel has sent, which are sent again and again. */
type Sample = [name: string, frame: { position: number }]

const [samples, redisUrl] = [JSON.parse(process.argv[2]!) as Sample[], process.argv[3]]

/** Plain Socket.IO as its documentation has it: everybody in one room, and with Redis the adapter that it recommends. */
const http = createServer()
const io = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  perMessageDeflate: false,
  httpCompression: false,
  pingInterval: 20_000,
  ...(redisUrl ? { adapter: createAdapter(new Redis(redisUrl), new Redis(redisUrl)) } : {}),
})
const namespace = io.of('/live')
namespace.on('connection', (socket) => void socket.join('room'))

let position = samples[0]![1].position
const sent: Sent[] = []
const send = (count: number) => {
  for (let index = 0; index < count; index++) {
    const [name, frame] = samples[position % samples.length]!
    sent.push([++position, String(process.hrtime.bigint())])
    namespace.to('room').emit(name, { ...frame, prev: position - 1, position })
  }
}

http.listen(0, '127.0.0.1', () => obeyParent((http.address() as AddressInfo).port, { send }, sent))
