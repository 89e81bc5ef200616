import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { categoryMachine } from '../machines/category.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const input = { id: 'category-1', orgId: 'org-1', name: 'Music', description: null, icon: '📚', at }
const update = (fields: object) => ({ type: 'update', ...fields, at, by: 'admin-1' }) as const
const remove = { type: 'delete', at, by: 'admin-1' } as const
const filed = (name: string) =>
  ({
    type: 'offering.filed',
    name,
    at,
    source: { actor: 'offering', id: 'offering-1', version: 1 },
  }) as const
const toOne = (message: object) => ({
  name: 'tell',
  params: { actor: 'offering', id: 'offering-1', message },
})

const music = given(categoryMachine, input)

describe('a category', () => {
  it('C17 tells its offerings another name, and nothing else', () =>
    music
      .expect({ state: 'active', events: [{ type: 'category.created', name: 'Music' }] })
      .when(update({ name: 'Sounds', icon: '🎵' }))
      .expect({
        state: 'active',
        events: [
          { type: 'category.updated', name: 'Sounds', fields: ['name', 'icon'] },
          { type: 'category.renamed', name: 'Sounds', previousName: 'Music' },
        ],
        effects: [
          {
            name: 'tellAll',
            params: {
              actor: 'offering',
              where: { categoryId: 'category-1' },
              message: { type: 'category.renamed', name: 'Sounds' },
            },
          },
        ],
      })
      .when(update({ name: 'Sounds', description: 'All of it' }))
      .expect({
        state: 'active',
        events: [{ type: 'category.updated', name: 'Sounds', fields: ['name', 'description'] }],
        effects: [],
      }))

  it('corrects an offering that was put there under another name, or too late', () => {
    expect(music.when(filed('Music')).effects).toEqual([])
    expect(music.when(filed('Noise')).effects).toEqual([toOne({ type: 'category.renamed', name: 'Music' })])
    const gone = music.when(remove)
    gone.expect({ state: 'deleted', events: [{ type: 'category.deleted', name: 'Music' }] })
    expect(gone.when(filed('Music')).effects).toEqual([toOne({ type: 'category.deleted' })])
  })
})

test('the last name that is told is the name', () => {
  const message = fc.oneof(
    fc.constantFrom('A', 'B', 'C').map((name) => update({ name })),
    fc.constant(update({ icon: '🎵' })),
    fc.constant(remove),
  )
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), (sent) => {
      const { snapshot, effects } = music.when(...sent)
      const told = effects.map(({ params }) => (params as { message: { name: string } }).message.name)
      expect(told.at(-1) ?? 'Music').toBe(snapshot.context.name)
    }),
  )
})
