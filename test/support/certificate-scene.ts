import { expect, vi } from 'vitest'
import type { CertificateView } from '../../contracts/certificate.ts'
import type { ServerOptions } from '../../src/server/options.ts'
import { done } from './catalog-scene.ts'
import { enrollmentScene, PRICE } from './enrollment-scene.ts'
import type { Party } from './money-scene.ts'
import { PATIENCE } from './payment-scene.ts'

/** The scene of enrollments, in which courses are completed and certified. */
export const certificateScene = (options: Partial<ServerOptions> = {}) => {
  const scene = enrollmentScene(options)

  /** Somebody has worked through all of a course, which was paid for if it costs something. */
  const completed = async (offering: object = {}, party: Party = scene.people().payer) => {
    const offeringId = await scene.aCourse(offering)
    const [moduleId] = await scene.modulesOf(offeringId, 'The only one')
    const { id, paymentId } = await scene.begun(offeringId, party)
    await done(party.live, 'enrollments.recordProgress', { id, moduleId, progress: 1 })
    await scene.becomes(id, 'completed', party)
    return { offeringId, enrollmentId: id, paymentId }
  }

  /** The certificate once it stands so. */
  const stands = (
    id: string,
    status: string,
    { live }: Party = scene.people().payer,
  ): Promise<CertificateView> =>
    vi.waitFor(async () => {
      const { data } = await done(live, 'certificates.get', { id })
      expect(data).toMatchObject({ status })
      return data
    }, PATIENCE)

  const issued = async (offeringId: string, party: Party = scene.people().payer) => {
    const { id } = await done(party.live, 'certificates.issue', { offeringId })
    return stands(id, 'valid', party)
  }

  return { ...scene, completed, stands, issued, PRICE }
}
