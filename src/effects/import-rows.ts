import { z } from 'zod'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import { importActor, mayImport } from '../../actors/import.ts'
import type { Counts, ImporterReport } from '../../contracts/import.ts'
import { countsOf, doneOf } from '../../machines/import.ts'
import { atMost } from '../gateway/at-most.ts'
import type { EffectHandler, EffectOutcome } from './handler.ts'
import { failureOf, importPart, Interrupted, type InTurn, type PartDependencies } from './import-part.ts'

type Dependencies = Omit<PartDependencies, 'inTurn'> & {
  engine: Engine
  now: () => number
  /** The server is about to stop: what is left is for the next one. */
  stopping: () => boolean
  failed: (error: unknown, context?: object) => void
}

const Params = z.object({ importId: z.string() })

const ATTEMPTS = 12
/** Rows under way on this node, of all imports together: enough to fill its commits, and room for everybody else. */
const ROWS_AT_ONCE = 256
const IMPORTS_AT_ONCE = 4
const BUSY_MS = 1_000

/**
 * Carries out the rows of an import, part by part, and tells the import after each part. A part that was cut off is
 * done again: the ids of rows and of their commands follow from the rows, so it neither makes nor counts anything twice.
 */
export const createImportRows = (deps: Dependencies): EffectHandler => {
  const inTurn = atMost(ROWS_AT_ONCE)
  let importing = 0
  return {
    attempts: ATTEMPTS,
    backoffMs: (attempts) => Math.min(1_000 * 2 ** attempts, 60_000),
    // As long as the file is.
    timeoutMs: Infinity,
    concurrency: IMPORTS_AT_ONCE,
    run: async (effect) => {
      if (importing >= IMPORTS_AT_ONCE) return { againInMs: BUSY_MS }
      importing++
      try {
        return await importFile({ ...deps, inTurn }, effect)
      } catch (error) {
        if (error instanceof Interrupted) return { againInMs: 0 }
        if (effect.attempts + 1 < ATTEMPTS) throw error
        deps.failed(error, { effect: effect.id })
        return await finish(deps, effect, { type: 'importer.failed', reason: 'internal' })
      } finally {
        importing--
      }
    },
  }
}

type Importing = Dependencies & { inTurn: InTurn }

const importFile = async (deps: Importing, effect: DueEffect): Promise<EffectOutcome> => {
  const { store, lookup } = deps
  const { importId } = Params.parse(effect.params)
  const snapshot = await lookup.actor(importActor, importId)
  if (!snapshot) return { final: 'there is no such import' }
  const { orgId, startedBy, rows } = snapshot.context
  let counts = countsOf(snapshot.context)
  while (doneOf(counts) < rows) {
    if (deps.stopping()) throw new Interrupted()
    const part = await store.rowsFrom(importId, doneOf(counts))
    if (!part) return finish(deps, effect, { type: 'importer.failed', reason: 'file_missing' })
    // The roles of now: importing takes time, and somebody may have been blocked meanwhile.
    const principal = await store.principal(startedBy)
    if (principal?.orgId !== orgId || !mayImport(principal))
      return finish(deps, effect, { type: 'importer.failed', reason: 'forbidden' })
    counts = sum(counts, await importPart(deps, { importId, principal, part }))
    if (doneOf(counts) < rows) await report(deps, effect, { type: 'importer.progressed', ...counts })
  }
  return finish(deps, effect, { type: 'importer.finished', ...counts })
}

/** The file has served its purpose and may hold what is nobody's business any more. */
const finish = async (deps: Dependencies, effect: DueEffect, last: ImporterReport) => {
  const outcome = await report(deps, effect, last)
  await deps.store.remove(effect.actorId)
  return outcome
}

const sum = (one: Counts, other: Counts): Counts => ({
  issued: one.issued + other.issued,
  unchanged: one.unchanged + other.unchanged,
  refused: one.refused + other.refused,
})

/** Tells the import. The last word settles the effect in the commit of the turn that takes it. */
const report = async (
  { engine, now }: Dependencies,
  effect: DueEffect,
  { type, ...payload }: ImporterReport,
): Promise<EffectOutcome> => {
  const isLast = type !== 'importer.progressed'
  const reply = await engine.send({
    id: isLast ? `effect:${effect.id}` : `effect:${effect.id}:${doneOf(payload as Counts)}`,
    actor: { type: effect.actorType, id: effect.actorId },
    cause: 'signal',
    type,
    payload,
    at: new Date(now()).toISOString(),
    ...(isLast ? { settles: effect.id } : {}),
    ...(effect.correlationId ? { correlationId: effect.correlationId } : {}),
  })
  if (reply.ok) return { settled: true }
  throw failureOf(reply)
}
