import { parentPort } from 'node:worker_threads'
import { renderCertificate } from './render.ts'
import type { Job, Outcome } from './renderer.ts'

/** The thread that certificates are drawn in. */

const answer = async ({ id, facts, size }: Job): Promise<Outcome> => {
  try {
    return { id, file: new Uint8Array(await renderCertificate(facts, size)) }
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : 'not an error' }
  }
}

parentPort!.on('message', (job: Job) => {
  void answer(job).then((outcome) => {
    parentPort!.postMessage(outcome, 'file' in outcome ? [outcome.file.buffer] : [])
  })
})
