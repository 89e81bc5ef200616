import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { LEAST_MINOR } from '../contracts/least-minor.ts'
import { CURRENCIES } from '../contracts/money.ts'
import type { OfferingTerms } from '../contracts/offering.ts'
import { offering } from '../actors/offering.ts'
import { isOnSale, offeringMachine, visibilityOf } from '../machines/offering.ts'
import { given, type Story } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const facts = { ownerId: 'tutor-1', kind: 'course_pack', title: 'Piano' } as const
const pack: OfferingTerms = {
  kind: 'course_pack',
  schedulingType: 'flexible',
  minWeeklyClasses: null,
  preliminaryMeetingRequired: false,
  maxDailyLessons: null,
  requiredClassesCount: null,
  maxPeriodValue: null,
  maxPeriodUnit: null,
}
const course: OfferingTerms = {
  kind: 'course',
  durationMinutes: 90,
  difficulty: 'beginner',
  coverImageUrl: null,
}
const input = {
  id: 'offering-1',
  orgId: 'org-1',
  ownerId: 'tutor-1',
  tutorProfileId: 'profile-1',
  title: 'Piano',
  description: null,
  price: { minor: 500_000, currency: 'NGN' as const },
  category: { id: 'category-1', name: 'Music', version: 3 },
  terms: pack,
  tutor: { approved: true, displayName: 'Ada', version: 2 },
  rosterId: 'roster-1' as string | null,
  published: true,
  at,
}

const by = (who: string) => ({ at, by: who })
const publish = { type: 'publish', ...by('tutor-1') } as const
const unpublish = { type: 'unpublish', ...by('tutor-1') } as const
const archive = { type: 'archive', ...by('tutor-1') } as const
const flag = { type: 'flag', note: 'copied?', ...by('admin-1') } as const
const clear = { type: 'clear', ...by('admin-1') } as const
const remove = { type: 'remove', reason: 'copied', removalId: 'removal-1', ...by('admin-1') } as const
const ask = { type: 'delete', ...by('tutor-1') } as const
const emptied = { type: 'roster.emptied', at } as const
const busy = { type: 'roster.busy', count: 2, at } as const
const update = (fields: object) => ({ type: 'update', ...fields, ...by('tutor-1') }) as const
const tutorSays = (approved: boolean, version: number, displayName = 'Ada') =>
  ({
    type: 'tutor.changed',
    approved,
    displayName,
    at,
    source: { actor: 'tutorProfile', id: 'profile-1', version },
  }) as const
const renamed = (name: string, version: number, id = 'category-1') =>
  ({ type: 'category.renamed', name, at, source: { actor: 'category', id, version } }) as const

const offered = given(offeringMachine, input)
const draft = given(offeringMachine, { ...input, published: false })
const state = (publication: string, moderation: string) => ({ offered: { publication, moderation } })
const tell = (actor: string, id: string, message: object, others: object = {}) => ({
  name: 'tell',
  params: { actor, id, message, ...others },
})
const roster = { orCreate: { orgId: 'org-1', offeringId: 'offering-1' } }
const seen = ({ snapshot }: Story<typeof offeringMachine>) => visibilityOf(snapshot as never)

describe('an offering that is made', () => {
  it('tells its profile and its category what it knows of them', () =>
    offered.expect({
      state: state('published', 'approved'),
      events: [{ type: 'offering.created', ...facts, published: true }],
      effects: [
        tell('tutorProfile', 'profile-1', {
          type: 'offering.created',
          approved: true,
          displayName: 'Ada',
        }),
        tell('category', 'category-1', { type: 'offering.filed', name: 'Music' }),
      ],
    }))

  it('is a draft when it is not published at once', () =>
    draft.expect({
      state: state('draft', 'approved'),
      events: [{ type: 'offering.created', ...facts, published: false }],
    }))

  it('C16 is hidden before its tutor is approved', () => {
    const made = given(offeringMachine, {
      ...input,
      tutor: { approved: false, displayName: 'Ada', version: 1 },
    })
    expect(seen(made)).toBe('private')
    expect(seen(made.when(tutorSays(true, 2)))).toBe('public')
    expect(isOnSale(made.when(tutorSays(true, 2), tutorSays(false, 3)).snapshot as never)).toBe(false)
  })
})

describe('publication', () => {
  it('goes to and fro, and ends with archiving', () => {
    draft
      .when(publish)
      .expect({ state: state('published', 'approved'), events: [{ type: 'offering.published', ...facts }] })
      .when(unpublish)
      .expect({ state: state('draft', 'approved'), events: [{ type: 'offering.unpublished', ...facts }] })
      .when(archive)
      .expect({ state: state('archived', 'approved'), events: [{ type: 'offering.archived', ...facts }] })
      .when(publish)
      .expect({ state: state('archived', 'approved'), refused: true })
  })

  it.each(CURRENCIES)('C18 in %s costs nothing or what the provider takes', (currency) => {
    const least = LEAST_MINOR[currency]
    const at0 = (minor: number) =>
      given(offeringMachine, { ...input, published: false, price: { minor, currency } }).when(publish)
    at0(0).expect({
      state: state('published', 'approved'),
      events: [{ type: 'offering.published', ...facts }],
    })
    at0(least).expect({
      state: state('published', 'approved'),
      events: [{ type: 'offering.published', ...facts }],
    })
    at0(least - 1).expect({ state: state('draft', 'approved'), refused: true })
  })

  it('S2.33 strict scheduling says how long it may take', () => {
    const strict = { ...pack, schedulingType: 'strict' as const }
    const made = (terms: OfferingTerms) => given(offeringMachine, { ...input, published: false, terms })
    made(strict)
      .when(publish)
      .expect({ state: state('draft', 'approved'), refused: true })
    made({ ...strict, maxPeriodValue: 3 })
      .when(publish)
      .expect({ state: state('draft', 'approved'), refused: true })
    expect(seen(made({ ...strict, maxPeriodValue: 3, maxPeriodUnit: 'months' }).when(publish))).toBe('public')
  })

  it('S2.26 no more lessons a week than its days have', () => {
    const made = (minWeeklyClasses: number) =>
      given(offeringMachine, {
        ...input,
        published: false,
        terms: { ...pack, minWeeklyClasses, maxDailyLessons: 2 },
      })
    expect(seen(made(14).when(publish))).toBe('public')
    made(15)
      .when(publish)
      .expect({ state: state('draft', 'approved'), refused: true })
  })
})

describe('an update', () => {
  it('changes what it names, and tells a new category', () =>
    offered
      .when(
        update({
          title: 'Violin',
          price: { minor: 600_000 },
          maxDailyLessons: 3,
          filed: { id: 'category-2', name: 'Strings', version: 1 },
        }),
      )
      .expect({
        state: state('published', 'approved'),
        events: [
          {
            type: 'offering.updated',
            ...facts,
            title: 'Violin',
            fields: ['title', 'price', 'maxDailyLessons'],
          },
        ],
        effects: [tell('category', 'category-2', { type: 'offering.filed', name: 'Strings' })],
        context: {
          title: 'Violin',
          price: { minor: 600_000, currency: 'NGN' },
          category: { id: 'category-2' },
          terms: { ...pack, maxDailyLessons: 3 },
        },
      }))

  it('has no fields of the other kind', () => {
    offered
      .when(update({ durationMinutes: 90 }))
      .expect({ state: state('published', 'approved'), refused: true })
    given(offeringMachine, { ...input, terms: course })
      .when(update({ preliminaryMeetingRequired: true }))
      .expect({ state: state('published', 'approved'), refused: true })
  })

  it('C18 leaves what is published fit for that, and a draft free', () => {
    const cheap = update({ price: { minor: 1 } })
    offered.when(cheap).expect({ state: state('published', 'approved'), refused: true })
    draft
      .when(cheap)
      .expect({
        state: state('draft', 'approved'),
        events: [{ type: 'offering.updated', ...facts, fields: ['price'] }],
      })
      .when(publish)
      .expect({ state: state('draft', 'approved'), refused: true })
    offered.when(update({ price: { minor: 1 }, isPublished: false })).expect({
      state: state('draft', 'approved'),
      events: [
        { type: 'offering.unpublished', ...facts },
        { type: 'offering.updated', ...facts, fields: ['price', 'isPublished'] },
      ],
    })
  })

  it('S2.28 publishes by its field as by the command', () =>
    draft.when(update({ isPublished: true })).expect({
      state: state('published', 'approved'),
      events: [
        { type: 'offering.updated', ...facts, fields: ['isPublished'] },
        { type: 'offering.published', ...facts },
      ],
    }))
})

describe('moderation', () => {
  it('hides what is published, and shows it again', () => {
    const flagged = offered.when(flag).expect({
      state: state('published', 'flagged'),
      events: [{ type: 'offering.flagged', ...facts, note: 'copied?' }],
    })
    expect(seen(flagged)).toBe('private')
    expect(
      seen(
        flagged.when(clear).expect({
          state: state('published', 'approved'),
          events: [{ type: 'offering.cleared', ...facts }],
        }),
      ),
    ).toBe('public')
  })

  it('is not undone by publishing', () =>
    expect(seen(offered.when(flag, unpublish, publish))).toBe('private'))

  it('S2.66.9 is decided by an update of its fields as well', () =>
    offered
      .when(update({ moderationStatus: 'flagged', moderationNote: 'copied?' }))
      .expect({
        state: state('published', 'flagged'),
        events: [{ type: 'offering.flagged', ...facts, note: 'copied?' }],
      })
      .when(update({ moderationStatus: 'approved' }))
      .expect({ state: state('published', 'approved'), events: [{ type: 'offering.cleared', ...facts }] })
      .when(update({ moderationStatus: 'approved' }))
      .expect({ state: state('published', 'approved'), refused: true }))

  it('removes for good, and the roster hears of it', () =>
    offered
      .when(flag, remove)
      .expect({
        state: 'removed',
        events: [
          { type: 'offering.flagged', ...facts, note: 'copied?' },
          { type: 'offering.removed', ...facts, reason: 'copied', removalId: 'removal-1' },
        ],
        effects: [
          tell(
            'roster',
            'roster-1',
            {
              type: 'offering.removed',
              removalId: 'removal-1',
              title: 'Piano',
              reason: 'copied',
              by: 'admin-1',
            },
            roster,
          ),
        ],
        context: { removalId: 'removal-1', moderationNote: 'copied' },
      })
      .when(clear, publish, ask, remove)
      .expect({ state: 'removed', refused: true }))
})

describe('deletion', () => {
  it('asks the roster first, and is done when nobody is enrolled', () =>
    offered
      .when(ask)
      .expect({
        state: 'deleting',
        events: [{ type: 'offering.deleting', ...facts }],
        effects: [tell('roster', 'roster-1', { type: 'offering.deleting' }, roster)],
      })
      .when(emptied)
      .expect({ state: 'deleted', events: [{ type: 'offering.deleted', ...facts }] }))

  it('leaves everything as it was when somebody is', () =>
    offered.when(unpublish, flag, ask, busy).expect({
      state: state('draft', 'flagged'),
      events: [
        { type: 'offering.unpublished', ...facts },
        { type: 'offering.flagged', ...facts, note: 'copied?' },
        { type: 'offering.deleting', ...facts },
        { type: 'offering.kept', ...facts, enrolled: 2 },
      ],
    }))

  it('is not for sale meanwhile', () => expect(seen(offered.when(ask))).toBe('private'))

  it('needs nobody where nobody enrolls', () =>
    given(offeringMachine, { ...input, rosterId: null })
      .when(ask)
      .expect({ state: 'deleted', events: [{ type: 'offering.deleted', ...facts }], effects: [] }))
})

describe('what others tell', () => {
  it('counts when it is newer than what is known, and is said when it changes something', () =>
    offered.when(tutorSays(false, 5, 'Ada L.'), tutorSays(true, 4), tutorSays(false, 6, 'Ada L.')).expect({
      state: state('published', 'approved'),
      events: [{ type: 'offering.tutorChanged', ...facts, approved: false, displayName: 'Ada L.' }],
      context: { tutor: { approved: false, displayName: 'Ada L.', version: 6 } },
    }))

  it('C17 has the name of its own category only', () =>
    offered
      .when(renamed('Art', 9, 'category-9'), renamed('Noise', 3), renamed('Sounds', 5))
      .expect({
        state: state('published', 'approved'),
        events: [{ type: 'offering.categoryChanged', ...facts, category: 'Sounds' }],
        context: { category: { id: 'category-1', name: 'Sounds', version: 5 } },
      })
      .when({ type: 'category.deleted', at, source: { actor: 'category', id: 'category-1', version: 7 } })
      .expect({
        state: state('published', 'approved'),
        events: [{ type: 'offering.categoryChanged', ...facts, category: null }],
        context: { category: null },
      }))

  it('arrives in every state, but in none that has ended', () => {
    const news = [tutorSays(false, 9), renamed('Sounds', 9)]
    for (const story of [offered.when(ask), offered.when(remove)])
      expect(story.when(...news).snapshot.context).toMatchObject({
        tutor: { approved: false },
        category: { name: 'Sounds' },
      })
    offered.when(ask, emptied, ...news).expect({
      state: 'deleted',
      refused: true,
      events: [
        { type: 'offering.deleting', ...facts },
        { type: 'offering.deleted', ...facts },
      ],
    })
  })
})

const messages = [
  publish,
  unpublish,
  archive,
  flag,
  clear,
  remove,
  ask,
  emptied,
  busy,
  update({ title: 'Violin' }),
  update({ price: { minor: 1 } }),
  update({ isPublished: true }),
  update({ moderationStatus: 'flagged' }),
  update({ moderationStatus: 'approved' }),
  tutorSays(true, 3),
  tutorSays(false, 4),
  tutorSays(true, 5),
  renamed('Sounds', 4),
] as const

test('no order of messages sells what is not published, approved, by an approved tutor and fit for it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...messages), { maxLength: 30 }),
      fc.record({ published: fc.boolean(), minor: fc.constantFrom(0, 1, 500_000) }),
      (sent, { published, minor }) => {
        // Whoever makes one that is published checks that it may be.
        const price = { minor, currency: 'NGN' as const }
        const first = given(offeringMachine, { ...input, price, published: published && minor !== 1 })
        const { snapshot } = first.when(...sent)
        const view = offering.view(snapshot as never, 'offering-1')
        const fit = view.price.minor === 0 || view.price.minor >= LEAST_MINOR.NGN
        if (view.publication === 'published') expect(fit).toBe(true)
        const shown = view.publication === 'published' && view.moderation === 'approved'
        expect(view.visibility === 'public').toBe(shown && snapshot.context.tutor.approved)
        expect(isOnSale(snapshot as never)).toBe(view.visibility === 'public')
        const removals = sent.filter(({ type }) => type === 'remove').length
        if (snapshot.value === 'removed') expect(removals).toBeGreaterThan(0)
      },
    ),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(offeringMachine, {
    input,
    events: [...messages],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const values = new Set(paths.map(({ state: { value } }) => JSON.stringify(value)))
  for (const publication of ['draft', 'published', 'archived'])
    for (const moderation of ['approved', 'flagged'])
      expect(values).toContain(JSON.stringify(state(publication, moderation)))
  for (const value of ['deleting', 'removed', 'deleted']) expect(values).toContain(JSON.stringify(value))
})
