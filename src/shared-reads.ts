/**
 * Whoever asks the same at the same time shares one question: a thousand commands about one thing need not ask a thousand
 * times. Nobody gets an answer to a question that was put before theirs, which may be older than what they know.
 */
export const createSharedReads = () => {
  const asked = new Map<string, Round>()

  const begin = (key: string, ask: () => Promise<unknown>): Round => {
    const round: Round = { answer: ask(), next: undefined }
    asked.set(key, round)
    const end = () => {
      if (asked.get(key) === round) asked.delete(key)
    }
    round.answer.then(end, end)
    return round
  }

  return <Answer>(key: string, ask: () => Promise<Answer>): Promise<Answer> => {
    const known = asked.get(key)
    if (!known) return begin(key, ask).answer as Promise<Answer>
    const again = () => begin(key, ask).answer
    return (known.next ??= known.answer.then(again, again)) as Promise<Answer>
  }
}

/** One question under way, and the one that is put when it is answered. */
type Round = { answer: Promise<unknown>; next: Promise<unknown> | undefined }
