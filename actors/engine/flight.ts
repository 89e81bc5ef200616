import { refused, type Reply } from '../../contracts/protocol.ts'
import { commitAll, patiently, type Committed } from './commit.ts'
import { decideChain, questionOf, writeOf, type Chain, type Mailbox, type Waiting } from './mailbox.ts'
import type { Message } from './message.ts'
import { accepted, internal, overloaded, repeat, STALE } from './replies.ts'
import type { ActorStore, StoredActor, Write } from './store.ts'
import { activate } from './turn.ts'

/** A committed batch, as it goes to subscribers, to the effect queue and to the timer scheduler. */
export type CommittedBatch = { from: number; to: number; writes: readonly { write: Write; from: number }[] }

type Dependencies = {
  store: ActorStore
  committed: (batch: CommittedBatch) => void
  failed: (error: unknown, message: Message) => void
  /** Hears how many messages wait for an actor when they are decided. */
  depth: ((messages: number) => void) | undefined
  /** Takes the message out of its mailbox and answers it. */
  settle: (mailbox: Mailbox, waiting: Waiting, reply: Reply) => void
  /** Turns of one actor in one commit. */
  chainLimit: number
}

/** How often one message may lose the race for its actor before its sender hears of it. */
const MAX_ATTEMPTS = 20

/** Carries batches of mailboxes from cold actors to answers. What it returns never rejects. */
export const createFlights = ({ store, committed, failed, depth, settle, chainLimit }: Dependencies) => {
  const carry = async (flight: number, batch: readonly Mailbox[]): Promise<void> => {
    try {
      await patiently(store, () => activateAll(batch))
      if (depth) for (const { waiting } of batch) depth(waiting.size)
      const chains = batch.map((mailbox) => decideChain(mailbox, chainLimit, failed))
      await patiently(store, () => settleRefusals(chains))
      const pending = chains.filter(({ taken }) => taken.length > 0)
      const results = await commitAll({ store, flight, writes: pending.map(writeOf) })
      // Whoever hears of a commit and looks at the actor must find what was committed.
      pending.forEach((chain, index) => move(chain, results[index]!))
      announce(results)
      pending.forEach((chain, index) => finish(chain, results[index]!))
      for (const chain of chains) if (chain.taken.length === 0) answerRefusals(chain)
    } catch (error) {
      for (const mailbox of batch) refuseAll(mailbox, [...mailbox.waiting.values()], error)
    }
  }

  const activateAll = async (batch: readonly Mailbox[]) => {
    const cold = batch.filter(({ active }) => active === undefined)
    const loads = [...Map.groupBy(cold, ({ definition }) => definition)].map(async ([definition, boxes]) => {
      const ids = boxes.map(({ id }) => id)
      const stored = new Map((await store.load(definition, ids)).map((row) => [row.id, row]))
      for (const mailbox of boxes) {
        const row = stored.get(mailbox.id)
        mailbox.active = row ? revive(mailbox, row) : null
        mailbox.fresh = true
      }
    })
    await Promise.all(loads)
  }

  /** An actor that cannot be brought to life is refused by itself; its neighbours go on. */
  const revive = (mailbox: Mailbox, row: StoredActor) => {
    try {
      return activate(mailbox.definition, row)
    } catch (error) {
      for (const waiting of mailbox.waiting.values()) {
        failed(error, waiting.message)
        settle(mailbox, waiting, internal())
      }
      return undefined
    }
  }

  /**
   * A refusal may really be the repetition of a message that was applied, and one that was decided on memory may be
   * out of date when other processes write too. Both are found out before anybody hears of it.
   */
  const settleRefusals = async (chains: readonly Chain[]) => {
    const doubtful = chains.flatMap(({ answered }) =>
      answered.filter(
        ({ reply, waiting }) =>
          reply !== STALE && (waiting.message.hash !== undefined || waiting.attempts > 0),
      ),
    )
    if (doubtful.length > 0) {
      const answers = await store.answers(doubtful.map(({ waiting }) => questionOf(waiting.message)))
      doubtful.forEach((entry, index) => {
        if (answers[index]) entry.reply = repeat(entry.waiting.message, answers[index])
      })
    }
    if (!store.shared) return
    for (const chain of chains)
      if (!chain.mailbox.fresh && chain.answered.some(({ reply }) => !reply.ok)) decideAgain(chain)
  }

  const decideAgain = (chain: Chain) => {
    for (const { waiting } of [...chain.taken, ...chain.answered]) waiting.attempts++
    chain.mailbox.active = undefined
    chain.taken = []
    chain.answered = []
  }

  const announce = (results: readonly Committed[]) => {
    const written = results.filter((result) => result.status === 'committed')
    for (const writes of Map.groupBy(written, ({ batch }) => batch).values()) {
      writes.sort((one, other) => one.from - other.from)
      const last = writes.at(-1)!
      committed({ from: writes[0]!.from, to: last.from + positionsOf(last.write) - 1, writes })
    }
  }

  /** The snapshot in memory follows the commit; after anything else it is read again. */
  const move = ({ mailbox, taken }: Chain, { status }: Committed) => {
    mailbox.active = status === 'committed' ? taken.at(-1)!.turn.next : undefined
  }

  const finish = (chain: Chain, result: Committed) => {
    const { mailbox, taken } = chain
    switch (result.status) {
      case 'committed': {
        let position = result.from - 1
        for (const { waiting, turn } of taken) {
          position += Math.max(turn.record.events.length, 1)
          settle(mailbox, waiting, accepted(mailbox.id, turn, position))
        }
        return answerRefusals(chain)
      }
      case 'conflict':
        if (result.doubtful) doubt(chain)
        for (const { waiting } of taken)
          if (++waiting.attempts >= MAX_ATTEMPTS)
            settle(mailbox, waiting, overloaded('this actor is contended'))
        return
      case 'unknown':
        doubt(chain)
        for (const { waiting } of taken) waiting.attempts++
        return failed(result.error, taken[0]!.waiting.message)
      case 'answered':
        // Some had been applied before; the others are decided again without them.
        return taken.forEach(({ waiting }, index) => {
          const stored = result.answers[index]
          if (stored) settle(mailbox, waiting, repeat(waiting.message, stored))
        })
      case 'failed':
        if (!result.poison)
          return refuseAll(
            mailbox,
            taken.map(({ waiting }) => waiting),
            result.error,
          )
        if (taken.length > 1) {
          mailbox.solo = taken.length
          return
        }
        return settlePoison(mailbox, taken[0]!.waiting, result.error)
    }
  }

  const doubt = ({ taken }: Chain) => {
    for (const { waiting } of taken) waiting.doubtful = true
  }

  const settlePoison = (mailbox: Mailbox, waiting: Waiting, error: unknown) => {
    const refusal = refusalOf(mailbox, waiting.message, error)
    if (refusal) return settle(mailbox, waiting, refusal)
    if (waiting.message.cause === 'timer') mailbox.parked.add(waiting.message.id)
    failed(error, waiting.message)
    settle(mailbox, waiting, internal())
  }

  /** What the database has decided against, and clients can be told of. */
  const refusalOf = ({ definition }: Mailbox, { creation, cause }: Message, error: unknown) => {
    if (cause === 'timer' || store.classify(error) !== 'duplicate') return undefined
    const refusal = definition.unique?.[store.violated(error) ?? '']
    if (refusal) return { ok: false as const, error: refusal }
    // The journal knows each id once, whatever the type: it belongs to an actor of another one.
    return creation && refused('already_exists', 'this id is taken')
  }

  const answerRefusals = ({ mailbox, answered }: Chain) => {
    for (const { waiting, reply } of answered) settle(mailbox, waiting, reply)
  }

  /**
   * The database is away: nothing is known to be lost, and the sender may ask again with the same id. What may have been
   * applied by an earlier attempt waits until the database can say so.
   */
  const refuseAll = (mailbox: Mailbox, messages: readonly Waiting[], error: unknown) => {
    mailbox.active = undefined
    for (const waiting of messages) {
      if (waiting.doubtful) continue
      failed(error, waiting.message)
      settle(mailbox, waiting, overloaded('the database is not available'))
    }
  }

  return carry
}

/** How many positions the turns of a write take: one for each event, one for a turn without any. */
const positionsOf = ({ turns }: Pick<Write, 'turns'>): number =>
  turns.reduce((sum, { events }) => sum + Math.max(events.length, 1), 0)
