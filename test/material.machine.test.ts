import { describe, it } from 'vitest'
import { materialMachine } from '../machines/material.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const update = (fields: object) => ({ type: 'update', ...fields, at, by: 'tutor-1' }) as const
const remove = { type: 'delete', at, by: 'tutor-1' } as const

describe('a material', () => {
  const scales = given(materialMachine, {
    id: 'material-1',
    orgId: 'org-1',
    ownerId: 'tutor-1',
    offeringId: 'offering-1',
    kind: 'file',
    title: 'Scales',
    description: null,
    fileUrl: 'default',
    linkUrl: null,
    position: 0,
    at,
  })

  it('S2.42 that is an external link says where it leads', () =>
    scales
      .when(update({ kind: 'externalLink' }))
      .expect({ state: 'active', refused: true })
      .when(update({ kind: 'externalLink', linkUrl: 'https://example.test/scales' }))
      .expect({
        state: 'active',
        events: [
          {
            type: 'material.updated',
            offeringId: 'offering-1',
            kind: 'externalLink',
            title: 'Scales',
            fields: ['kind', 'linkUrl'],
          },
        ],
      })
      .when(update({ linkUrl: null }))
      .expect({ state: 'active', refused: true }))

  it('is deleted once', () =>
    scales
      .when(remove)
      .expect({
        state: 'deleted',
        events: [{ type: 'material.deleted', offeringId: 'offering-1', kind: 'file', title: 'Scales' }],
      })
      .when(update({ title: 'Chords' }))
      .expect({ state: 'deleted', refused: true }))
})
