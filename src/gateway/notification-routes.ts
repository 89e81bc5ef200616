import { z } from 'zod'
import { delivery } from '../../actors/delivery.ts'
import { notification } from '../../actors/notification.ts'
import { NotificationChannel, notificationContract } from '../../contracts/notification.ts'
import { Id } from '../../contracts/scalars.ts'
import { parsed } from './http-envelope.ts'
import type { Route } from './route.ts'

const { log } = delivery.contract.queries

const SendBody = z.strictObject({
  userId: Id.describe('A user of the organisation'),
  type: NotificationChannel,
  message: notificationContract.commands.send.input.shape.text,
})

/** The routes of S4 for notifications; what it calls the type of one is its channel (C25). */
export const notificationRoutes: readonly Route[] = [
  {
    definition: notification,
    group: 'notifications',
    method: 'POST',
    url: '/api/notifications/send',
    operationId: 'notifications.sendMessage',
    summary: 'Tell a user something over one channel (administrators)',
    status: 201,
    command: true,
    body: SendBody,
    data: z.object({ notificationId: Id, message: z.string() }),
    // Whoever is not there is a mistake in the body, and S4 has no other answer to that.
    statuses: { not_found: 400 },
    answer: async ({ request, command }) => {
      const { userId: recipientId, type, message: text } = parsed(SendBody, request.body)
      const { id: notificationId } = await command('send', { recipientId, text, channels: [type] })
      return { notificationId, message: 'Notification sent successfully' }
    },
  },
  {
    definition: delivery,
    group: 'notifications',
    method: 'GET',
    url: '/api/notifications/log',
    operationId: 'notifications.log',
    summary: log.summary,
    status: 200,
    query: log.input,
    data: log.output,
    answer: async ({ request, query }) => (await query('log', request.query as object)).data,
  },
]
