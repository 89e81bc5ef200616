import { expect, it } from 'vitest'
import { createSharedReads } from '../src/shared-reads.ts'

/** A question that is answered when the test says so, by how often it had been put. */
const aQuestion = () => {
  const shared = createSharedReads()
  const answers: { resolve: (answer: number) => void; reject: (error: Error) => void }[] = []
  const ask = (key = 'key') =>
    shared(key, () => new Promise<number>((resolve, reject) => void answers.push({ resolve, reject })))
  return { ask, answers }
}

it('is put once for all who ask before it is answered, and anew for those who asked meanwhile', async () => {
  const { ask, answers } = aQuestion()
  const first = ask()
  const others = [ask(), ask(), ask()]
  expect(answers).toHaveLength(1)
  answers[0]!.resolve(1)
  expect(await first).toBe(1)
  await Promise.resolve()
  expect(answers).toHaveLength(2)
  // Theirs is under way: who asks now gets the one after it.
  const late = ask()
  answers[1]!.resolve(2)
  expect(await Promise.all(others)).toEqual([2, 2, 2])
  await Promise.resolve()
  answers[2]!.resolve(3)
  expect(await late).toBe(3)
  void ask()
  expect(answers).toHaveLength(4)
})

it('fails for those who shared it, and for nobody else', async () => {
  const { ask, answers } = aQuestion()
  const first = ask()
  const second = ask()
  answers[0]!.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await Promise.resolve()
  answers[1]!.resolve(2)
  expect(await second).toBe(2)
})

it('keeps apart what differs', () => {
  const { ask, answers } = aQuestion()
  void ask('one')
  void ask('other')
  expect(answers).toHaveLength(2)
})
