import { certificateSeriesContract } from '../contracts/certificate-series.ts'
import { certificateSeriesMachine } from '../machines/certificate-series.ts'
import { defineActor } from './actor.ts'
import { derivedId } from './derived-id.ts'

/** The same for the same year, so that all certificates of a year ask the same actor. */
export const certificateSeriesId = (year: number): string => derivedId('certificateSeries', String(year))

/** It has certificates of all organisations, so no principal may know of it. */
export const certificateSeries = defineActor({
  contract: certificateSeriesContract,
  machine: certificateSeriesMachine,
  columns: {
    year: { type: 'integer', of: ({ context }) => context.year },
    last: { type: 'integer', of: ({ context }) => context.last },
  },
  topics: { certificateSeries: 'id' },
  scopes: () => [],
  allow: {},
  create: {},
  queries: {},
  view: ({ context: { year, last } }, id) => ({ id, year, last }),
})
