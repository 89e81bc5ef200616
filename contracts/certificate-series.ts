import { z } from 'zod'
import { defineContract } from './contract.ts'
import { Id } from './scalars.ts'

const CertificateSeriesView = z.strictObject({
  id: Id,
  year: z.int().describe('Of issuing, in UTC'),
  last: z.int().min(0).describe('The last number that was given out; all before it were, too'),
})

/**
 * The numbers of one year. Certificates speak to it, and nobody else: it belongs to no organisation, so there is nobody who
 * could ask it or listen to it.
 */
export const certificateSeriesContract = defineContract({
  actor: 'certificateSeries',
  namespace: 'certificate-series',
  audience: 'operators',
  commands: {},
  queries: {},
  events: {},
  view: CertificateSeriesView,
})

/** What a certificate tells the series of its year. */
export type NumberWanted = { type: 'certificate.numberWanted' }

/** What the series answers. */
export type Numbered = { type: 'series.numbered'; number: string }
