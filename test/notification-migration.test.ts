import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { notification } from '../actors/notification.ts'
import { activate } from '../actors/engine/turn.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { aDatabaseAddress } from './support/database.ts'

it('notifications of the time before stand in the inbox as of when they were made', async () => {
  const address = await aDatabaseAddress()
  const { migrator, sql, close } = await openDatabase(address.database, migrations)
  onTestFinished(async () => {
    await close()
    await address.remove()
  })
  await migrator.up()
  for (const { name } of migrations.toReversed()) {
    await migrator.down({ migrations: [name] })
    if (name.startsWith('0031-')) break
  }
  const [id, orgId, recipientId] = [randomUUID(), randomUUID(), randomUUID()]
  const context = {
    id,
    orgId,
    recipientId,
    topic: 'enrollment.welcome',
    subject: { actor: 'enrollment', id: randomUUID() },
    text: 'Welcome.',
    createdAt: '2026-01-01T09:00:00.123Z',
    readAt: null,
  }
  const snapshot = { value: 'unread', context }
  const insert = `insert into notification
      (id, version, machine, state, snapshot, timers, org_id, recipient_id, topic, status)
    values ($1, 1, 'notification@1', 'unread', $2, '{}', $3, $4, 'enrollment.welcome', 'unread')`
  await sql.query({ name: 'before', text: insert }, [id, JSON.stringify(snapshot), orgId, recipientId])
  await migrator.up()
  // A node of the version before goes on meanwhile.
  const other = { id: randomUUID(), text: insert }
  await sql.query({ name: 'beside', text: other.text }, [
    other.id,
    JSON.stringify(snapshot),
    orgId,
    recipientId,
  ])

  const rows = await sql.query<{ id: string; inApp: boolean; madeAt: string; sender: null; stored: object }>(
    {
      name: 'after',
      text: `select id, in_app as "inApp", to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "madeAt",
        sender_id as sender, snapshot as stored from notification`,
    },
    [],
  )
  const [first, second] = [rows.find((row) => row.id === id)!, rows.find((row) => row.id === other.id)!]
  expect(first).toMatchObject({ inApp: true, madeAt: context.createdAt, sender: null })
  expect(second).toMatchObject({ inApp: true, sender: null })
  const stored = { id, version: 1, machine: 'notification@1', snapshot: first.stored, timers: {} }
  const { snapshot: lifted, columns } = activate(notification, stored)
  expect(columns).toMatchObject({
    inApp: true,
    createdAt: context.createdAt,
    senderId: null,
    dedupeKey: null,
  })
  expect(notification.view(lifted as never, id)).toMatchObject({
    channels: ['in_app'],
    data: {},
    status: 'unread',
  })
})
