import { randomUUID } from 'node:crypto'
import { defineEntity, LockMode, p } from '@mikro-orm/core'
import { MikroORM } from '@mikro-orm/postgresql'
import { dehydrate, hydrate, start, step } from '../actors/engine/step.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { account, accountMachine, accountMigration } from './account.ts'

/** The same tables as Laurel's, written by MikroORM's unit of work. */
const Account = defineEntity({
  name: 'NaiveAccount',
  tableName: 'account',
  properties: {
    id: p.uuid().primary(),
    version: p.integer().version(),
    machine: p.text(),
    state: p.text(),
    snapshot: p.json<object>(),
    timers: p.json<object>(),
    owner: p.uuid(),
  },
})

const Journal = defineEntity({
  name: 'NaiveJournal',
  tableName: 'journal',
  properties: {
    position: p.bigint('number').primary(),
    actorType: p.text(),
    actorId: p.uuid(),
    version: p.integer(),
    messageId: p.text(),
    cause: p.text(),
    type: p.text(),
    message: p.json<object>(),
    at: p.datetime(3),
    by: p.uuid(),
    fromState: p.text(),
    toState: p.text(),
    events: p.json<object[]>(),
    view: p.json<object>(),
    allowed: p.json<string[]>(),
    topics: p.array(),
  },
})

/**
 * The service that most teams would write: for each command one transaction that locks the actor, steps it, takes the
 * next position and writes actor and journal. The same rows and the same promises as Laurel's, one command at a time.
 */
export const naiveService = async (url: string, count: number) => {
  const database = await openDatabase({ url }, [...migrations, accountMigration], [account])
  await database.migrator.up()
  await database.close()
  const orm = await MikroORM.init({
    entities: [Account, Journal],
    clientUrl: url,
    pool: { min: 4, max: 16 },
    logger: () => {},
  })
  const owner = randomUUID()
  const ids = Array.from({ length: count }, () => randomUUID())
  const { snapshot } = start(accountMachine, { owner })
  for (let from = 0; from < count; from += 1_000)
    await orm.em.fork().insertMany(
      Account,
      ids.slice(from, from + 1_000).map((id) => ({
        id,
        version: 1,
        machine: accountMachine.id,
        state: 'open',
        snapshot: dehydrate(snapshot),
        timers: {},
        owner,
      })),
    )
  const deposit = (id: string) =>
    orm.em.fork().transactional(async (em) => {
      const row = await em.findOneOrFail(Account, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })
      const next = step(accountMachine, hydrate(accountMachine, row.snapshot), {
        type: 'deposit',
        amount: 1,
      } as never)
      row.snapshot = dehydrate(next.snapshot)
      await em.flush()
      const [head] = await em.execute<{ position: string }[]>(
        'update journal_head set position = position + 1 returning position',
      )
      em.create(Journal, {
        position: Number(head!.position),
        actorType: 'account',
        actorId: id,
        version: row.version,
        messageId: randomUUID(),
        cause: 'command',
        type: 'deposit',
        message: { amount: 1 },
        at: new Date(),
        by: owner,
        fromState: 'open',
        toState: 'open',
        events: next.events,
        view: { balance: 1 },
        allowed: ['deposit'],
        topics: [`account:${id}`, `user:${owner}`],
      })
    })
  return { deposit: () => deposit(ids[Math.floor(Math.random() * count)]!), close: () => orm.close(true) }
}
