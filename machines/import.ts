import { emit, enqueueActions, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { Counts, ImporterReport, ImportEvent, ImportFailure } from '../contracts/import.ts'

export type ImportInput = Envelope & {
  id: string
  orgId: string
  startedBy: string
  /** Of the file, without its header. */
  rows: number
}

export type ImportContext = Pick<ImportInput, 'id' | 'orgId' | 'startedBy' | 'rows'> &
  Counts & {
    startedAt: string
    finishedAt: string | null
    failure: ImportFailure | null
  }

/**
 * One file of rows. `importRows` goes through them and reports what became of them so far, any number of times; it
 * goes on from the counts of its last report after a crash. Rows that were issued stay issued when the rest fails.
 */
export const importMachine = setup({
  types: {
    context: {} as ImportContext,
    input: {} as ImportInput,
    events: {} as ImporterReport & Envelope,
    emitted: {} as ImportEvent,
  },
  actions: {
    importRows: (_, _params: { importId: string }) => {},
  },
}).createMachine({
  id: 'import@1',
  context: ({ input: { id, orgId, startedBy, rows, at } }) => ({
    id,
    orgId,
    startedBy,
    rows,
    issued: 0,
    unchanged: 0,
    refused: 0,
    startedAt: at,
    finishedAt: null,
    failure: null,
  }),
  entry: emit(({ context: { startedBy, rows } }) => ({ type: 'import.started', startedBy, rows })),
  initial: 'running',
  states: {
    running: {
      entry: { type: 'importRows', params: ({ context }) => ({ importId: context.id }) },
      on: {
        'importer.progressed': {
          // Two nodes may work on it for a moment; the one behind has nothing to say.
          guard: ({ context, event }) => doneOf(event) > doneOf(context),
          actions: enqueueActions(({ context: { rows }, event, enqueue }) => {
            const counts = countsOf(event)
            enqueue.emit({ type: 'import.progressed', ...progressOf(rows, counts) })
            enqueue.assign(counts)
          }),
        },
        'importer.finished': {
          target: 'completed',
          actions: enqueueActions(({ context: { rows }, event, enqueue }) => {
            const counts = countsOf(event)
            enqueue.emit({ type: 'import.completed', ...progressOf(rows, counts) })
            enqueue.assign({ ...counts, finishedAt: event.at })
          }),
        },
        'importer.failed': {
          target: 'failed',
          actions: enqueueActions(({ context, event: { reason, at }, enqueue }) => {
            enqueue.emit({ type: 'import.failed', ...progressOf(context.rows, context), reason })
            enqueue.assign({ failure: reason, finishedAt: at })
          }),
        },
      },
    },
    completed: {},
    failed: {},
  },
})

/** How many rows have been dealt with, whatever became of them. */
export const doneOf = ({ issued, unchanged, refused }: Counts): number => issued + unchanged + refused

export const countsOf = ({ issued, unchanged, refused }: Counts): Counts => ({ issued, unchanged, refused })

export const progressOf = (rows: number, counts: Counts) => {
  return { rows, done: doneOf(counts), ...countsOf(counts) }
}
