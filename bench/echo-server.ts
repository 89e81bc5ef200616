import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

/** What Socket.IO alone can do: the same frames, and nothing behind them. */
const http = createServer()
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false })
io.of('/live').on('connection', (socket) => {
  socket.onAny((_name: string, payload: unknown, ack: (reply: unknown) => void) =>
    ack({ ok: true, data: payload }),
  )
})
http.listen(0, '127.0.0.1', () => {
  process.send?.((http.address() as AddressInfo).port)
})
