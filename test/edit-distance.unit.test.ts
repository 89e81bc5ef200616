import fc from 'fast-check'
import { expect, it } from 'vitest'
import { editDistance } from '../persistence/edit-distance.ts'

it.each([
  ['python', 'python', 0],
  ['pyhton', 'python', 1],
  ['gitar', 'guitar', 1],
  ['guittar', 'guitar', 1],
  ['guiter', 'guitar', 1],
  ['photografy', 'photography', 2],
  ['begginers', 'beginners', 2],
  ['гитраа', 'гитара', 1],
  ['', 'four', 4],
  ['🎸🎹', '🎹🎸', 1],
  ['abc', 'xyz', 3],
])('from %s to %s it is %i', (one, other, distance) => expect(editDistance(one, other)).toBe(distance))

it('is the same in both directions, zero for equal words only, and never more than the longer word has letters', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (one, other) => {
      const distance = editDistance(one, other)
      expect(editDistance(other, one)).toBe(distance)
      expect(distance === 0).toBe(one === other)
      expect(distance).toBeLessThanOrEqual(Math.max(Array.from(one).length, Array.from(other).length))
    }),
  ))
