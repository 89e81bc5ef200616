import { expect, vi } from 'vitest'
import { done } from './catalog-scene.ts'
import { PATIENCE } from './payment-scene.ts'
import type { Client } from './server.ts'

/** Enrols somebody in what costs nothing, and waits until that has begun. */
export const anEnrollment = async (learner: Client, offeringId: string): Promise<string> => {
  const { id } = await done(learner, 'enrollments.enroll', { offeringId })
  await becomes(learner, id, 'active')
  return id
}

export const becomes = (learner: Client, id: string, status: string) =>
  vi.waitFor(async () => {
    expect((await done(learner, 'enrollments.get', { id })).data).toMatchObject({ status })
  }, PATIENCE)
