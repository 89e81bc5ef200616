/** What must be true, whatever happens to servers, databases and networks. */
export const RULES = {
  'acked-once': 'Every acknowledged command is in the journal once, as it was acknowledged.',
  'refused-never': 'No command that was refused is in the journal.',
  'nobody-sent': 'No command is in the journal that nobody sent.',
  'answers-agree': 'All answers to one command are the same, and none says that something broke.',
  'exactly-the-events': 'Every subscriber is sent exactly the events of its topics, each once and in order.',
  'snapshots-agree': 'A snapshot is what the journal says at its position.',
  'positions-dense': 'Positions have no holes, up to the head.',
  'versions-dense': 'The versions of an actor have no holes, and its row is what the last one left behind.',
  'timers-once': 'Every timer fires once, at its instant, and none is left.',
  'effects-once': 'Every effect is settled once, and none is left.',
  money: 'The books of both sides agree to the last minor unit.',
  epoch: 'The epoch stays, and nobody is asked to begin again.',
  liveness: 'When the faults are over, every node answers and everything arrives.',
  'no-exit': 'No process ends by itself, or because of what happens to others, and none grows without end.',
} as const

export type Rule = keyof typeof RULES

/** Hears of every rule that is broken, with what contradicts what. */
export type Violated = (what: string, rule: Rule) => void
