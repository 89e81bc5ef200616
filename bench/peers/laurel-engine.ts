import { randomUUID } from 'node:crypto'
import { createEngine } from '../../actors/engine/engine.ts'
import { createActorStore } from '../../persistence/actor-store.ts'
import { openDatabase } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { benchPayment, benchPaymentMigration } from './laurel-payment.ts'
import { KEYS } from './payment.ts'
import { servePeer } from './peer.ts'

/** Laurel's engine without sockets: mailbox, statechart, rules, commit, journal. */
await servePeer(async ({ postgresUrl: url }) => {
  const database = await openDatabase({ url }, [...migrations, benchPaymentMigration])
  await database.migrator.up()
  const engine = createEngine({
    store: createActorStore(database),
    definitions: [benchPayment],
    committed: () => {},
    failed: (error) => console.error(error),
  })
  const userId = randomUUID()
  const principal = { userId, orgId: userId, roles: [] }
  const ids = Array.from({ length: KEYS }, () => randomUUID())
  const send = async (id: string, type: string, payload: object, creation?: object) => {
    const reply = await engine.send({
      id: randomUUID(),
      actor: { type: 'benchPayment', id },
      cause: 'command',
      type,
      payload,
      at: new Date().toISOString(),
      principal,
      ...creation,
    })
    if (!reply.ok) throw new Error(reply.error.message)
  }
  await Promise.all(ids.map((id) => send(id, 'open', {}, { creation: { input: { owner: userId } } })))
  return { proceed: (key) => send(ids[key]!, 'proceed', { amount: 1 }) }
})
