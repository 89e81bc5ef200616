import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Commander } from '../kill/commander.ts'
import type { History } from '../kill/history.ts'
import type { Watchers } from '../kill/watchers.ts'
import type { Nemesis } from './nemesis.ts'

/** What everybody was told, and what is stored. */
type RunRecord = { commander: Commander; watchers: Watchers; history: History; nemesis: Nemesis }

export const summaryOf = ({ commander, watchers: { list }, history, nemesis }: RunRecord): string => {
  const { accepted, refused, retried, repeated, askedToWait } = commander.stats()
  const cursors = list.flatMap((subscriber) => [...subscriber.cursors.values()])
  const events = cursors.reduce((sum, { applied }) => sum + applied.length, 0)
  const faults = [...nemesis.counts()].map(([name, count]) => `${count} ${name}`)
  return [
    `${history.turns.length} turns`,
    `commands: ${accepted} accepted, ${refused} refused, ${retried} sent again, ${askedToWait} put off, ${repeated} repeated`,
    `${list.length} subscribers were sent ${events} events`,
    `faults: ${faults.join(', ') || 'none'}`,
  ].join('; ')
}

/** Writes it down for whoever looks for the reason of a violation: one line for each, since all at once is too much for a text. */
export const keepRecord = async (
  folder: string,
  { commander, watchers, history }: RunRecord,
): Promise<void> => {
  const files = {
    commands: [...commander.commands.values()],
    watched: watchers.list.map(({ name, cursors }) => ({ name, cursors: [...cursors.values()] })),
    journal: history.turns,
  }
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, `${name}.jsonl`), linesOf(content))
}

const linesOf = function* (items: readonly unknown[]): Generator<string> {
  for (const item of items) yield `${JSON.stringify(item)}\n`
}
