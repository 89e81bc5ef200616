import { setup } from 'xstate'
import type { Numbered, NumberWanted } from '../contracts/certificate-series.ts'
import type { Envelope } from '../contracts/contract.ts'

export type CertificateSeriesInput = Envelope & { id: string; year: number }

type Context = { id: string; year: number; last: number }

const series = setup({
  types: {
    context: {} as Context,
    input: {} as CertificateSeriesInput,
    events: {} as NumberWanted & Envelope & Required<Pick<Envelope, 'source'>>,
  },
  actions: { tell: (_, _params: { actor: 'certificate'; id: string; message: Numbered }) => {} },
})

/** `CERT-2026-00001`; what has no room in five digits takes more of them. */
export const numberOf = (year: number, ordinal: number): string =>
  `CERT-${String(year).padStart(4, '0')}-${String(ordinal).padStart(5, '0')}`

/**
 * The numbers of one year, given out one after another. Who gets which, and how far it has come, is one commit, and who
 * asks twice is answered once: there is neither a hole nor a number that two have.
 */
export const certificateSeriesMachine = series.createMachine({
  id: 'certificateSeries@1',
  context: ({ input: { id, year } }) => ({ id, year, last: 0 }),
  initial: 'open',
  states: {
    open: {
      on: {
        'certificate.numberWanted': {
          actions: series.enqueueActions(({ context: { year, last }, event: { source }, enqueue }) => {
            const number = numberOf(year, last + 1)
            enqueue.assign({ last: last + 1 })
            const message = { type: 'series.numbered', number } as const
            enqueue({ type: 'tell', params: { actor: 'certificate', id: source.id, message } })
          }),
        },
      },
    },
  },
})
