import { Worker } from 'node:worker_threads'
import type { CertificateFacts, PageSize } from './design.ts'

export type Job = { id: number; facts: CertificateFacts; size: PageSize }
export type Outcome = { id: number; file: Uint8Array<ArrayBuffer> } | { id: number; failure: string }

export type CertificateRenderer = {
  /** @throws RendererBusy, or when it cannot be drawn */
  render: (facts: CertificateFacts, size: PageSize) => Promise<Uint8Array<ArrayBuffer>>
  /** Starts the thread and has it open its fonts, so that nobody waits for that. */
  warm: () => Promise<void>
  close: () => Promise<void>
}

/** Too many wait already: asking again later helps. */
export class RendererBusy extends Error {
  override name = 'RendererBusy'
}

/** More than a few seconds' work. */
const MOST_WAITING = 64
/** Far more than the first one takes on a busy machine, which starts the thread. */
const TIMEOUT_MS = 60_000
const MOST_MEMORY_MB = 256

/** Has letters of all fonts. */
const SPECIMEN: CertificateFacts = {
  kind: 'course_certificate',
  number: '-',
  holderName: 'A ا',
  title: 'A ا',
  issuer: '-',
  issuedAt: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  link: '-',
}

type Waiting = { resolve: (file: Uint8Array<ArrayBuffer>) => void; reject: (error: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

/**
 * Draws certificates in a thread of their own, so that nobody else waits for them. It is started by `warm` or by the first
 * one; when it ends or hangs, those who wait are told, and the next one starts another.
 */
export const createCertificateRenderer = (): CertificateRenderer => {
  let thread: Thread | undefined
  let jobs = 0

  const start = (): Thread => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
    })
    const started: Thread = { worker, waiting: new Map() }
    worker.unref()
    worker.on('message', (outcome: Outcome) => {
      const one = started.waiting.get(outcome.id)
      started.waiting.delete(outcome.id)
      if ('file' in outcome) one?.resolve(outcome.file)
      else one?.reject(new Error(`a certificate could not be drawn: ${outcome.failure}`))
    })
    worker.on('error', (error: Error) => giveUp(started, error))
    worker.on('exit', (code) => giveUp(started, new Error(`the thread for certificates has ended (${code})`)))
    return started
  }

  const giveUp = (lost: Thread, error: Error) => {
    if (thread === lost) thread = undefined
    for (const { reject } of lost.waiting.values()) reject(error)
    lost.waiting.clear()
  }

  const render: CertificateRenderer['render'] = (facts, size) => {
    const running = (thread ??= start())
    if (running.waiting.size >= MOST_WAITING) throw new RendererBusy('too many certificates are being drawn')
    const id = (jobs += 1)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>()
    running.waiting.set(id, { resolve, reject })
    const late = setTimeout(() => {
      giveUp(running, new Error('the thread for certificates does not answer'))
      void running.worker.terminate()
    }, TIMEOUT_MS)
    const job: Job = { id, facts, size }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    running.worker.postMessage(job)
    return promise.finally(() => clearTimeout(late))
  }

  return {
    render: async (facts, size) => render(facts, size),
    // What cannot be drawn now is said to whoever wants something drawn.
    warm: async () => void (await render(SPECIMEN, 'a4').catch(() => undefined)),
    close: async () => {
      await thread?.worker.terminate()
    },
  }
}
