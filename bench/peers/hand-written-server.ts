import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineEntity, LockMode, p } from '@mikro-orm/core'
import { MikroORM } from '@mikro-orm/postgresql'
import { Server } from 'socket.io'
import { createActor, transition } from 'xstate'
import { KEYS, newContext, paymentMachine, STEPS, type PaymentState } from './payment.ts'

const Payment = defineEntity({
  name: 'Payment',
  tableName: 'payment',
  properties: {
    id: p.integer().primary(),
    version: p.integer().version(),
    state: p.text(),
    snapshot: p.json<object>(),
  },
})

const PaymentEvent = defineEntity({
  name: 'PaymentEvent',
  tableName: 'payment_event',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    paymentId: p.integer(),
    version: p.integer(),
    type: p.text(),
    data: p.json<object>(),
    at: p.datetime(3),
  },
})

/** What most teams would write: for each command one transaction that locks the row, steps it, and writes row and event. */
const orm = await MikroORM.init({
  entities: [Payment, PaymentEvent],
  clientUrl: process.argv[2]!,
  pool: { min: 4, max: 16 },
  logger: () => {},
})
await orm.schema.create()
const first = createActor(paymentMachine, { input: {} }).getPersistedSnapshot()
await orm.em.fork().insertMany(
  Payment,
  Array.from({ length: KEYS }, (_, id) => ({
    id,
    version: 1,
    state: 'created',
    snapshot: { ...first, context: newContext('payer') },
  })),
)

const proceed = (id: number, amount: number) =>
  orm.em.fork().transactional(async (em) => {
    const row = await em.findOneOrFail(Payment, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    const current = paymentMachine.resolveState(row.snapshot as never)
    const [next] = transition(paymentMachine, current, { type: 'proceed', amount })
    const { event } = STEPS[row.state as PaymentState]
    row.state = next.value
    row.snapshot = { value: next.value, context: next.context }
    const data = { amount, state: row.state }
    em.create(PaymentEvent, { paymentId: id, version: row.version + 1, type: event, data, at: new Date() })
    await em.flush()
    return { event, data }
  })

const http = createServer()
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false })
io.of('/payments').on('connection', (socket) => {
  socket.on('proceed', ({ id, amount }: { id: number; amount: number }, ack: (reply: object) => void) => {
    proceed(id, amount).then(
      ({ event, data }) => {
        io.of('/payments').to(`payment:${id}`).emit(event, data)
        ack({ ok: true, data })
      },
      (error: unknown) => ack({ ok: false, error: String(error) }),
    )
  })
})
process.on('disconnect', () => process.exit(0))
http.listen(0, '127.0.0.1', () => process.send!((http.address() as AddressInfo).port))
