import { z } from 'zod'
import { changesOf } from './changes.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf, SearchText } from './queries.ts'
import { Id, Note, StoredInstant, textOf, titleOf, WebAddress } from './scalars.ts'

export const ProfileStatus = z.enum(['pending', 'approved', 'rejected'])
export type ProfileStatus = z.output<typeof ProfileStatus>

const Lines = z.array(titleOf(200)).max(50)

const about = {
  certifications: Lines,
  experience: textOf(10_000).nullable(),
  subjects: Lines,
  bio: textOf(10_000).nullable(),
  profilePhoto: WebAddress.nullable(),
}
const About = z.strictObject(about)

/** What a tutor says about himself or herself. */
export type About = z.output<typeof About>

export const TutorProfileView = z.strictObject({
  id: Id,
  tutorId: Id,
  displayName: z.string().nullable(),
  ...about,
  profileStatus: ProfileStatus,
  note: z.string().nullable().describe('Why it was rejected'),
  createdAt: StoredInstant,
})

const facts = { tutorId: Id, displayName: z.string().nullable() }
const Fact = z.strictObject(facts)

export const tutorProfileContract = defineContract({
  actor: 'tutorProfile',
  namespace: 'tutorProfiles',
  commands: {
    create: {
      summary: 'Introduce oneself as a tutor; an administrator approves it',
      creates: true,
      input: z.strictObject({
        certifications: about.certifications.default([]),
        experience: about.experience.default(null),
        subjects: about.subjects.default([]),
        bio: about.bio.default(null),
        profilePhoto: about.profilePhoto.default(null),
        tutorId: Id.optional().describe('The caller; anybody else is refused'),
        profileStatus: ProfileStatus.optional().describe('Administrators only; it begins as pending'),
      }),
      errors: ['field_forbidden'],
    },
    update: {
      summary: 'Change what it says',
      input: changesOf({
        displayName: titleOf(100).nullable().optional(),
        ...About.partial().shape,
        tutorId: Id.optional().describe('Never changes: refused'),
        profileStatus: ProfileStatus.optional().describe('Administrators only'),
      }),
      errors: ['field_forbidden'],
    },
    approve: { summary: "Show it, and the tutor's offerings, to everybody", input: z.strictObject({}) },
    reject: {
      summary: "Hide it, and the tutor's offerings; whoever is enrolled stays",
      input: z.strictObject({ note: Note }),
    },
    resubmit: { summary: 'Ask for approval again', input: z.strictObject({}) },
    delete: {
      summary: 'Delete it; a tutor only without offerings',
      input: z.strictObject({}),
      errors: ['has_offerings'],
    },
  },
  queries: {
    get: { summary: 'One profile', input: GetInput, output: TutorProfileView },
    list: {
      summary: 'Profiles that the caller may see',
      input: z.strictObject({
        tutorId: Id.optional(),
        profileStatus: ProfileStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(TutorProfileView),
    },
    search: {
      summary: 'Profiles that match a text, best first',
      input: z.strictObject({ text: SearchText, profileStatus: ProfileStatus.optional(), ...PageFields }),
      output: pageOf(TutorProfileView),
    },
    journal: { summary: 'What happened to one profile', input: JournalInput, output: JournalPage },
  },
  events: {
    'tutorProfile.created': Fact,
    'tutorProfile.updated': z.strictObject({ ...facts, fields: z.array(z.string()) }),
    'tutorProfile.approved': Fact,
    'tutorProfile.rejected': z.strictObject({ ...facts, note: z.string().nullable() }),
    'tutorProfile.resubmitted': Fact,
    'tutorProfile.deleted': Fact,
  },
  view: TutorProfileView,
})
export type TutorProfileCommand = CommandOf<typeof tutorProfileContract>
export type TutorProfileEvent = EventOf<typeof tutorProfileContract>
export type TutorProfileView = ViewOf<typeof tutorProfileContract>

/** What a profile tells the offerings of its tutor. */
export type TutorToOffering = { type: 'tutor.changed'; approved: boolean; displayName: string | null }
