import { z } from 'zod'
import { defineContract, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id } from './scalars.ts'

export const RosterView = z.strictObject({
  id: Id,
  offeringId: Id,
  enrolled: z.int().min(0).describe('Enrollments that are not over'),
  closed: z.enum(['deleted', 'removed']).nullable().describe('Why nobody is let in any more'),
})

/** Who is in one offering, as a number. Enrollments and the offering speak to it, so it has no commands. */
export const rosterContract = defineContract({
  actor: 'roster',
  namespace: 'rosters',
  audience: 'operators',
  commands: {},
  queries: {
    get: { summary: 'One roster', input: GetInput, output: RosterView },
    list: {
      summary: 'Rosters of the organisation',
      input: z.strictObject({ offeringId: Id.optional(), ...PageFields }),
      output: pageOf(RosterView),
    },
    journal: { summary: 'What happened to one roster', input: JournalInput, output: JournalPage },
  },
  events: {
    'roster.closed': z.strictObject({ offeringId: Id, closed: z.enum(['deleted', 'removed']) }),
  },
  view: RosterView,
})
export type RosterEvent = EventOf<typeof rosterContract>
export type RosterView = ViewOf<typeof rosterContract>

/** What enrollments tell a roster. `admitted`: whether the roster had let it in, as far as it knew. */
export type EnrollmentNews = { type: 'enrollment.opened' } | { type: 'enrollment.ended'; admitted: boolean }

/** What a purchase tells the roster when somebody has paid who is not enrolled. */
export type PaidAlone = { type: 'purchase.paid' }

/** What a roster answers to an enrollment. */
export type RosterAnswer = { type: 'roster.admitted' } | RosterClosed

/** What a roster tells the removal when nobody is let in any more. */
export type RosterClosed = { type: 'roster.closed'; closed: 'deleted' | 'removed' }

/** What purchases are told that nobody has used: the money goes back. */
export type OfferingClosed = { type: 'offering.closed'; reason: string }
