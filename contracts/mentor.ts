import { z } from 'zod'
import { CertificationStatus, CertType } from './certification.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Flag, GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

/** Why a mentor may be on hold: at own wish, by a coordinator or administrator, for want of a certificate. */
const HoldKind = z.enum(['voluntary', 'admin', 'certification'])
export type HoldKind = z.output<typeof HoldKind>

const Hold = z.strictObject({
  hold: HoldKind,
  reason: z.string().describe('What was given, or `certification_expired`'),
})
export type Hold = z.output<typeof Hold>

export const MentorView = z.strictObject({
  id: Id,
  userId: Id,
  coordinatorId: Id,
  active: z.boolean(),
  holds: z.array(Hold).describe('The mentor is active exactly while there is none'),
  certifications: z.array(
    z.strictObject({
      certificationId: Id,
      certType: CertType,
      standing: CertificationStatus,
      expiresAt: StoredInstant,
    }),
  ),
})

const HoldChange = z.strictObject({
  userId: Id,
  coordinatorId: Id,
  ...Hold.shape,
  holds: z.array(HoldKind).describe('All that stand after the change'),
})

export const mentorContract = defineContract({
  actor: 'mentor',
  namespace: 'mentors',
  commands: {
    register: {
      summary: 'Register a user of the organisation as a mentor',
      creates: true,
      input: z.strictObject({ userId: Id, coordinatorId: Id }),
    },
    pause: {
      summary: 'Put on hold: voluntarily when the mentor asks, otherwise by administration',
      input: z.strictObject({ reason: Note }),
      errors: ['already_held'],
    },
    resume: {
      summary: 'Lift the holds that the caller may lift; a missing certificate must be renewed instead',
      input: z.strictObject({}),
      errors: ['certificate_invalid'],
    },
    reassign: {
      summary: 'Give the mentor and all certifications to another coordinator',
      input: z.strictObject({ coordinatorId: Id }),
    },
  },
  queries: {
    get: { summary: 'One mentor', input: GetInput, output: MentorView },
    list: {
      summary: 'Mentors that the caller may see',
      input: z.strictObject({ coordinatorId: Id.optional(), active: Flag.optional(), ...PageFields }),
      output: pageOf(MentorView),
    },
    journal: { summary: 'What happened to one mentor', input: JournalInput, output: JournalPage },
  },
  events: {
    'mentor.registered': z.strictObject({ userId: Id, coordinatorId: Id }),
    'mentor.held': HoldChange,
    'mentor.released': HoldChange,
    'mentor.reassigned': z.strictObject({ userId: Id, previousCoordinatorId: Id, coordinatorId: Id }),
  },
  view: MentorView,
})
export type MentorCommand = CommandOf<typeof mentorContract>
export type MentorEvent = EventOf<typeof mentorContract>
export type MentorView = ViewOf<typeof mentorContract>

/** What a mentor tells the certifications when another coordinator takes over. */
export type MentorReassigned = { type: 'mentor.reassigned'; coordinatorId: string }
