import { randomUUID } from 'node:crypto'
import { defineEntity, LockMode, p } from '@mikro-orm/core'
import { MikroORM } from '@mikro-orm/postgresql'
import { dehydrate, hydrate, start, step } from '../actors/engine/step.ts'
import { accountMachine } from './account.ts'

/** The service that most teams would write: for each command one transaction of MikroORM's unit of work. */
const Account = defineEntity({
  name: 'NaiveAccount',
  tableName: 'naive_account',
  properties: {
    id: p.uuid().primary(),
    version: p.integer().version(),
    state: p.text(),
    owner: p.uuid().index(),
    snapshot: p.json<object>(),
  },
})

const Journal = defineEntity({
  name: 'NaiveJournal',
  tableName: 'naive_journal',
  uniques: [{ properties: ['actorId', 'messageId'] }],
  properties: {
    position: p.bigint('number').primary().autoincrement(),
    actorId: p.uuid(),
    messageId: p.uuid(),
    version: p.integer(),
    type: p.text(),
    message: p.json<object>(),
    at: p.datetime(),
    events: p.json<object[]>(),
    view: p.json<object>(),
    topics: p.array(),
  },
})

export const naiveService = async (url: string, count: number) => {
  const orm = await MikroORM.init({
    entities: [Account, Journal],
    clientUrl: url,
    pool: { min: 4, max: 16 },
    logger: () => {},
  })
  await orm.schema.create()
  const owner = randomUUID()
  const ids = Array.from({ length: count }, () => randomUUID())
  const { snapshot } = start(accountMachine, { owner })
  for (let from = 0; from < count; from += 1_000)
    await orm.em.fork().insertMany(
      Account,
      ids
        .slice(from, from + 1_000)
        .map((id) => ({ id, version: 1, state: 'open', owner, snapshot: dehydrate(snapshot) })),
    )
  const deposit = (id: string) =>
    orm.em.fork().transactional(async (em) => {
      const row = await em.findOneOrFail(Account, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      const next = step(accountMachine, hydrate(accountMachine, row.snapshot), {
        type: 'deposit',
        amount: 1,
      } as never)
      row.snapshot = dehydrate(next.snapshot)
      em.create(Journal, {
        actorId: id,
        messageId: randomUUID(),
        version: row.version + 1,
        type: 'deposit',
        message: { amount: 1 },
        at: new Date(),
        events: next.events,
        view: { balance: 1 },
        topics: [`account:${id}`, `user:${owner}`],
      })
    })
  return { deposit: () => deposit(ids[Math.floor(Math.random() * count)]!), close: () => orm.close(true) }
}
