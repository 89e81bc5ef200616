import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, StoredInstant, titleOf } from './scalars.ts'

/** Browsers that one person may have. */
export const MOST_DEVICES = 20

const SubscriptionStatus = z.enum(['active', 'ended'])

const EndReason = z.enum(['removed', 'gone', 'superseded'])
export type SubscriptionEnd = z.output<typeof EndReason>

const View = z.strictObject({
  id: Id,
  userId: Id,
  device: z.string(),
  status: SubscriptionStatus,
  createdAt: StoredInstant,
  endReason: EndReason.nullable(),
})

const Fact = z.strictObject({ userId: Id, device: z.string() })

/** Where one browser of one person takes pushes. Nobody ever reads the address or its keys again but the courier. */
export const pushSubscriptionContract = defineContract({
  actor: 'pushSubscription',
  namespace: 'push-subscriptions',
  commands: {
    add: {
      summary: 'Have pushes sent to this browser: what `PushSubscription.toJSON()` says, in one level',
      creates: true,
      input: z.strictObject({
        endpoint: z
          .url({ protocol: /^https?$/ })
          .max(1_000)
          .regex(/^[!-~]*$/, 'must be ASCII')
          .describe('The address that the browser got from its push service'),
        p256dh: z.string().regex(/^B[\w-]{86}$/, 'must be an uncompressed point of P-256 in base64url'),
        auth: z.string().regex(/^[\w-]{22}$/, 'must be 16 bytes in base64url'),
        device: titleOf(100).default('Browser').describe('What its owner calls it'),
      }),
      sealed: ['endpoint', 'p256dh', 'auth'],
      errors: ['push_unavailable', 'too_many_devices'],
    },
    remove: { summary: 'Send no more pushes there', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One of the own subscriptions', input: GetInput, output: View },
    list: {
      summary: "The caller's subscriptions",
      input: z.strictObject({ status: SubscriptionStatus.optional(), ...PageFields }),
      output: pageOf(View),
    },
    key: {
      summary: 'The key with which a browser subscribes (`applicationServerKey`)',
      input: z.strictObject({}),
      output: z.strictObject({
        publicKey: z.string().nullable().describe('null: this server sends no pushes'),
      }),
    },
    journal: { summary: 'What happened to one subscription', input: JournalInput, output: JournalPage },
  },
  events: {
    'pushSubscription.added': Fact,
    'pushSubscription.ended': z.strictObject({ ...Fact.shape, reason: EndReason }),
  },
  view: View,
})
export type PushSubscriptionCommand = CommandOf<typeof pushSubscriptionContract>
export type PushSubscriptionEvent = EventOf<typeof pushSubscriptionContract>

/** What the courier tells a subscription: the push service knows it no longer. */
export type CourierNews = { type: 'courier.gone' }

/** What a subscription tells all others of the same browser: that belongs to somebody else now, or has subscribed anew. */
export type SubscriptionTaken = { type: 'pushSubscription.taken'; since: string }
