import type { AnyActorDefinition } from '../actors/actor.ts'
import { activate } from '../actors/engine/turn.ts'
import type { StoredActor } from '../actors/engine/store.ts'
import type { TopicSnapshot } from '../contracts/protocol.ts'
import { columnName, tableName } from './actor-table.ts'
import { readHead } from './journal.ts'
import type { Query, Sql } from './sql.ts'

/** Most views in the snapshot of one topic. */
const MAX_VIEWS = 500

export type TopicSnapshots = (
  topics: readonly string[],
  definitions: readonly AnyActorDefinition[],
  /** Whether there is anything to be told on a topic of this type of actors. */
  hears: (topic: string, actorType: string) => boolean,
) => Promise<{ epoch: string; position: number; topics: TopicSnapshot[] }>

/** What subscribers start from: all topics and the position, as of one instant of the database. */
export const createTopicSnapshots =
  (sql: Sql): TopicSnapshots =>
  (topics, definitions, hears) =>
    sql.consistently(async (query) => {
      const { epoch, position } = await readHead(query)
      const snapshots: TopicSnapshot[] = []
      for (const topic of topics) {
        const told = definitions.filter(({ contract }) => hears(topic, contract.actor))
        snapshots.push(await snapshotOf(query, topic, told))
      }
      return { epoch, position, topics: snapshots }
    })

const snapshotOf = async (
  query: Query,
  topic: string,
  definitions: readonly AnyActorDefinition[],
): Promise<TopicSnapshot> => {
  const [kind, id] = topic.split(':') as [string, string]
  const snapshot: TopicSnapshot['snapshot'][number][] = []
  let truncated = false
  for (const definition of definitions) {
    const property = definition.topics[kind]
    if (!property) continue
    const { actor } = definition.contract
    const column = property === 'id' ? 'id' : columnName(property)
    const rows = await query<StoredActor & { state: string }>(
      {
        name: `topic_${actor}_${column}`,
        text: `select id, version, machine, state, snapshot, timers from "${tableName(actor)}"
          where "${column}" = $1::uuid order by id limit ${MAX_VIEWS + 1}`,
      },
      [id],
    )
    for (const row of rows) {
      if (snapshot.length === MAX_VIEWS) {
        truncated = true
        break
      }
      const { snapshot: state } = activate(definition, row)
      snapshot.push({
        actor: { type: actor, id: row.id },
        version: row.version,
        state: row.state,
        view: definition.view(state, row.id),
      })
    }
  }
  return { topic, snapshot, truncated }
}
