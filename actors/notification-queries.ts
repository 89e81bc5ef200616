import { deliveryContract, type DeliveryView, type LogEntry } from '../contracts/delivery.ts'
import { notificationContract } from '../contracts/notification.ts'
import { refused } from '../contracts/protocol.ts'
import { deliveryMachine } from '../machines/delivery.ts'
import { notificationMachine } from '../machines/notification.ts'
import type { Principal } from './actor.ts'
import { derivedId } from './derived-id.ts'
import type { Condition, Found } from './ports.ts'
import { pageOf, type QueryHandler } from './queries.ts'
import { administers } from './rules.ts'

const NOTIFICATION = { contract: notificationContract, machine: notificationMachine }
const DELIVERY = { contract: deliveryContract, machine: deliveryMachine }

type Page = { limit?: number | undefined; after?: string | undefined }
type Filters = Page & { status?: string | undefined; topic?: string | undefined }

const DEFAULT_LIMIT = 50
/** Of one notification. */
const MOST_DELIVERIES = 2

/** `list { status?, topic? }`: what is in the caller's own inbox, the newest first. */
export const listInbox: QueryHandler<Filters> = async ({ input, principal, read }) => {
  const { limit = DEFAULT_LIMIT, after, ...filters } = input
  const where = Object.entries(filters).flatMap(([column, value]): Condition[] =>
    value === undefined ? [] : [{ column, is: '=', value }],
  )
  const inbox: Condition = { column: 'inApp', is: '=', value: true }
  const order = { order: 'createdAt', newestFirst: true }
  const page = await read.search(NOTIFICATION, {
    scopes: [ownOf(principal)],
    where: [inbox, ...where],
    ...order,
    after,
    limit,
  })
  return { ok: true, data: pageOf(page) }
}

const ownOf = ({ orgId, userId: recipientId }: Principal) => ({ orgId, recipientId })

/** `unread {}`: a number, and the position as of which it is right. */
export const unreadOfOwn: QueryHandler<object> = async ({ principal, read }) => {
  const { count: unread, position } = await read.countAt(NOTIFICATION, {
    recipientId: principal.userId,
    status: 'unread',
    inApp: true,
  })
  return { ok: true, data: { unread, position } }
}

/**
 * `log { userId }`: what became of each of a user's notifications. Those who run the organisation read the log, and not
 * the notifications themselves.
 */
export const deliveryLog: QueryHandler<Page & { userId: string }> = async ({ input, principal, read }) => {
  const { userId: recipientId, limit = DEFAULT_LIMIT, after } = input
  const { orgId, userId } = principal
  if (recipientId !== userId && !administers(principal)) return NOTHING
  const { found, next } = await read.search(NOTIFICATION, {
    scopes: [{ orgId, recipientId }],
    order: 'createdAt',
    newestFirst: true,
    after,
    limit,
  })
  if (found.length === 0 && after === undefined) return NOTHING
  const ids = found.map(({ id }) => id)
  const carried = await read.search(DELIVERY, {
    scopes: [{ orgId, recipientId }],
    where: [{ column: 'notificationId', is: 'in', value: ids }],
    limit: MOST_DELIVERIES * ids.length,
  })
  const byNotification = Map.groupBy(
    carried.found.map(({ view }) => view),
    ({ notificationId }) => notificationId,
  )
  const logs = found.flatMap((one) => logOf(one, byNotification.get(one.id) ?? []))
  return { ok: true, data: { logs, ...(next === undefined ? {} : { next }) } }
}

/** The same for whom one may not know of, and for whom nothing was ever sent (C24). */
const NOTHING = refused('not_found', 'No logs found')

const logOf = (
  { id, view: { channels, topic, createdAt } }: Found<typeof NOTIFICATION>,
  deliveries: readonly DeliveryView[],
): LogEntry[] =>
  channels.flatMap((channel) => {
    const entry = (
      attempt: number,
      rest: Pick<LogEntry, 'deliveryStatus' | 'deliveredAt' | 'at' | 'reason'>,
    ) => ({
      logId: derivedId('notification log', id, channel, String(attempt)),
      notificationId: id,
      channel,
      topic,
      attempt,
      ...rest,
    })
    // Stored is sent: it is in the inbox with the commit that made it.
    if (channel === 'in_app')
      return [entry(1, { deliveryStatus: 'sent', deliveredAt: createdAt, at: createdAt, reason: null })]
    const delivery = deliveries.find((one) => one.channel === channel)
    const open = { deliveryStatus: 'pending', deliveredAt: null, at: createdAt, reason: null } as const
    if (!delivery) return [entry(0, open)]
    const attempts = delivery.attempts.map(({ number, at, outcome, reason }) =>
      entry(number, {
        deliveryStatus: outcome === 'retry' ? 'pending' : outcome,
        deliveredAt: outcome === 'sent' ? at : null,
        at,
        reason,
      }),
    )
    const { status, reason, queuedAt: at } = delivery
    if (status === 'suppressed')
      return [...attempts, entry(0, { deliveryStatus: 'suppressed', deliveredAt: null, at, reason })]
    return attempts.length > 0 ? attempts : [entry(0, { ...open, reason })]
  })
