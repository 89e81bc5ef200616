import type { ActorStore, Question, StoredAnswer, Write } from './store.ts'

/** What became of one write. */
export type Committed =
  | { status: 'committed'; write: Write; from: number; batch: number }
  /** Somebody else moved the actor, or, where that is doubtful, an earlier attempt did; nothing was written by this one. */
  | { status: 'conflict'; doubtful: boolean }
  /** Nothing was written by this attempt; these messages were applied by an earlier one. */
  | { status: 'answered'; answers: readonly (StoredAnswer | undefined)[] }
  /** Nothing was written: the database is away, or (poison) it refuses the rows themselves. */
  | { status: 'failed'; error: unknown; poison: boolean }
  /** The connection was lost in the middle, and the database has not come back to say what it did. */
  | { status: 'unknown'; error: unknown }

type Job = {
  store: ActorStore
  flight: number
  writes: readonly Write[]
  /** An earlier attempt may have been applied. */
  doubtful?: boolean
}

/** Waits between attempts while the database is away, in milliseconds; together about six seconds. */
const PATIENCE_MS = [20, 50, 100, 250, 500, 1_000, 2_000, 2_000]

/** No attempt begins after that, however few there were: each may have waited for a database that says nothing. */
const MOST_MS = 8_000

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random())))

/** Runs a read again while the database is away. @throws its last error when patience ends. */
export const patiently = async <Result>(store: ActorStore, read: () => Promise<Result>): Promise<Result> => {
  const until = performance.now() + MOST_MS
  for (const waitMs of PATIENCE_MS) {
    try {
      return await read()
    } catch (error) {
      if (!isPassing(store, error) || performance.now() > until) throw error
      await wait(waitMs)
    }
  }
  return read()
}

/** The database is away, or has no time; otherwise it will say the same again. */
const isPassing = (store: ActorStore, error: unknown) =>
  ['try_again', 'unknown_outcome'].includes(store.classify(error))

let batches = 0

/**
 * Commits a batch, whatever the database says: repetitions are found out, an unknown outcome is read back, a transient
 * error is tried again, and a batch with a poisonous write is halved until the write stands alone.
 */
export const commitAll = async (
  job: Job,
  attempt = 0,
  until = performance.now() + MOST_MS,
): Promise<Committed[]> => {
  const { store, flight, writes } = job
  if (writes.length === 0) return []
  try {
    const positions = await store.commit(flight, writes)
    const batch = ++batches
    return positions.map((from, index) =>
      from === undefined
        ? { status: 'conflict', doubtful: job.doubtful === true }
        : { status: 'committed', write: writes[index]!, from, batch },
    )
  } catch (error) {
    return recover(job, error, { attempt, until })
  }
}

type Trial = { attempt: number; until: number }

const recover = async (job: Job, error: unknown, { attempt, until }: Trial): Promise<Committed[]> => {
  const { store, writes } = job
  const kind = store.classify(error)
  if (kind === 'try_again' || kind === 'unknown_outcome') {
    const doubtful = kind === 'unknown_outcome' || job.doubtful === true
    const waitMs = PATIENCE_MS[attempt]
    if (waitMs === undefined || performance.now() > until)
      return writes.map(() =>
        doubtful ? { status: 'unknown', error } : { status: 'failed', error, poison: false },
      )
    await wait(waitMs)
    // A repeated commit cannot apply anything twice: version and message id refuse it, and then it is read back.
    return commitAll({ ...job, doubtful }, attempt + 1, until)
  }
  if (kind === 'duplicate') {
    const known = await patiently(store, () => answersOf(store, writes)).catch((unread: unknown) => ({
      unread,
    }))
    if ('unread' in known) {
      // What is repeated here has been applied, and nobody can say which it is before the database is back.
      if (isPassing(store, known.unread))
        return writes.map(() => ({ status: 'unknown', error: known.unread }))
    } else if (known.some((answers) => answers.some(Boolean)))
      return retryUnanswered(job, known, { attempt, until })
  }
  if (writes.length === 1) return [{ status: 'failed', error, poison: true }]
  const middle = writes.length >> 1
  return [
    ...(await commitAll({ ...job, writes: writes.slice(0, middle) }, attempt, until)),
    ...(await commitAll({ ...job, writes: writes.slice(middle) }, attempt, until)),
  ]
}

/** Sets aside the writes that repeat something and commits the others. */
const retryUnanswered = async (
  job: Job,
  known: readonly (readonly (StoredAnswer | undefined)[])[],
  { attempt, until }: Trial,
): Promise<Committed[]> => {
  const repeats = (index: number) => known[index]!.some(Boolean)
  const writes = job.writes.filter((_, index) => !repeats(index))
  const rest = await commitAll({ ...job, writes }, attempt, until)
  return job.writes.map((_, index) =>
    repeats(index) ? { status: 'answered', answers: known[index]! } : rest.shift()!,
  )
}

const answersOf = async (store: ActorStore, writes: readonly Write[]) => {
  const questions: Question[] = writes.flatMap(({ definition, id, turns }) =>
    turns.map(({ messageId, version, cause, by }) => ({
      actorType: definition.contract.actor,
      actorId: id,
      messageId,
      ...(version === 1 && cause === 'command' && by ? { creation: { by } } : {}),
    })),
  )
  const answers = await store.answers(questions)
  let next = 0
  return writes.map(({ turns }) => turns.map(() => answers[next++]))
}
