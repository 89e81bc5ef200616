import * as fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { certificateSeriesId } from '../actors/certificate-series.ts'
import { certificateSeriesMachine, numberOf } from '../machines/certificate-series.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const wanted = (id: string) =>
  ({ type: 'certificate.numberWanted', at, source: { actor: 'certificate', id, version: 1 } }) as const
const series = given(certificateSeriesMachine, { id: 'series-2026', year: 2026, at })
const told = (id: string, number: string) => ({
  name: 'tell',
  params: { actor: 'certificate', id, message: { type: 'series.numbered', number } },
})
it('S3.15 C33 gives out one number after another, and tells each to whoever asked', () =>
  series.when(wanted('a'), wanted('b')).expect({
    state: 'open',
    effects: [told('a', 'CERT-2026-00001'), told('b', 'CERT-2026-00002')],
    context: { last: 2 },
  }))

test('C33 the number grows where five digits are not enough', () => {
  expect(numberOf(2026, 1)).toBe('CERT-2026-00001')
  expect(numberOf(2026, 99_999)).toBe('CERT-2026-99999')
  expect(numberOf(2026, 100_000)).toBe('CERT-2026-100000')
  expect(numberOf(987, 1)).toBe('CERT-0987-00001')
})

test('C33 whoever asks, in whatever order: no hole, and no number twice', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), (askers) => {
      const story = series.when(...askers.map((asker) => wanted(String(asker))))
      const numbers = story.effects.map(
        ({ params }) => (params as { message: { number: string } }).message.number,
      )
      expect(numbers).toEqual(askers.map((_, index) => numberOf(2026, index + 1)))
    }),
  ))

test('each year has a series of its own, which everybody knows', () => {
  expect(certificateSeriesId(2026)).toBe(certificateSeriesId(2026))
  expect(certificateSeriesId(2026)).not.toBe(certificateSeriesId(2027))
})
