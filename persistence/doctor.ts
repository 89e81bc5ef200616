import type { AnyActorDefinition } from '../actors/actor.ts'
import { actors } from '../actors/registry.ts'
import { tableName } from './actor-table.ts'
import type { Database } from './database.ts'
import { domainInvariants } from './doctor-domain.ts'

/** What must be true of the stored data at any instant, also while nodes are at work. */
export type Invariant = {
  name: string
  /** In one sentence. */
  holds: string
  /** Selects the rows that contradict it. Sorts and joins, so that the database needs no memory for all of them. */
  contradictions: string
}

/** `rows` are the first contradictions; without any, the invariant holds. */
export type Finding = Omit<Invariant, 'contradictions'> & { rows: readonly object[] }

/** For one invariant. Milliseconds. */
const PATIENCE_MS = 60 * 60_000

/** As many contradictions as somebody reads. */
const MOST_ROWS = 5

/**
 * Looks for contradictions in the stored data, as of one instant; it changes nothing and locks nothing that anybody
 * writes. `found` hears of each invariant as soon as it has been looked at.
 */
export const verifyInvariants = (
  { sql }: Pick<Database, 'sql'>,
  found: (finding: Finding) => void = () => {},
  definitions: readonly AnyActorDefinition[] = actors,
): Promise<Finding[]> =>
  sql.consistently(async (query) => {
    const findings: Finding[] = []
    for (const { name, holds, contradictions } of invariantsOf(definitions)) {
      const text = `select * from (${contradictions}) as contradiction limit ${MOST_ROWS}`
      const finding = { name, holds, rows: await query<object>({ name: `doctor_${name}`, text }) }
      findings.push(finding)
      found(finding)
    }
    return findings
  }, PATIENCE_MS)

const invariantsOf = (definitions: readonly AnyActorDefinition[]): Invariant[] => {
  const types = new Set(definitions.map(({ contract }) => contract.actor))
  return [
    ...JOURNAL,
    ...actorInvariants(definitions),
    ...domainInvariants.filter(({ about }) => about.every((type) => types.has(type))),
  ]
}

/** A server's idea of the database's clock may be ahead of it by less than this. */
const EARLY = `interval '1 second'`

const JOURNAL: readonly Invariant[] = [
  {
    name: 'positions',
    holds: 'the turns of the journal take all positions, each once',
    contradictions: `select position, actor_type, actor_id, version, taken, before from (
        select position, actor_type, actor_id, version, greatest(jsonb_array_length(events), 1) as taken,
          lag(position) over (order by position) as before
        from journal where position > (select floor from journal_head)
      ) as turn
      where case when before is null then position - taken not between 0 and (select floor from journal_head)
        else position - taken <> before end`,
  },
  {
    name: 'head',
    holds: 'the last position that was given out is that of the last turn',
    contradictions: `select head.position as head, last.position as last
      from (select max(position) as position from journal) as last left join journal_head as head on true
      where head.position is null or head.position <> coalesce(last.position, head.floor)`,
  },
  {
    name: 'versions',
    holds: 'the turns of each actor have the versions 1 to n, each once',
    contradictions: `select actor_type, actor_id, version, before from (
        select actor_type, actor_id, version,
          lag(version) over (partition by actor_id order by version) as before from journal
      ) as turn
      where case when before is null then version <> 1 and (select floor from journal_head) = 0
        else version <> before + 1 end`,
  },
  {
    name: 'messages',
    holds: 'no actor has taken a message twice, and no creating command has made two actors',
    contradictions: `select actor_id::text as "of", message_id, count(*) as times from journal
        group by actor_id, message_id having count(*) > 1
      union all
      select "by"::text, message_id, count(*) from journal where version = 1 and cause = 'command'
        group by "by", message_id having count(*) > 1`,
  },
  {
    name: 'punctual',
    holds: 'no timer has fired before it was due',
    contradictions: `select actor_type, actor_id, version, type, at as due_at, recorded_at from journal
      where cause = 'timer' and recorded_at < at - ${EARLY}`,
  },
  {
    name: 'settled',
    holds: 'no effect waits whose result has been recorded',
    contradictions: `select effect.id, effect.name, effect.status, journal.actor_id, journal.version
      from effect join journal on journal.message_id = 'effect:' || effect.id`,
  },
]

const actorInvariants = (definitions: readonly AnyActorDefinition[]): Invariant[] => {
  const rows = definitions
    .map(({ contract: { actor } }) => {
      return `select '${actor}' as actor_type, id, version, state, timers from "${tableName(actor)}"`
    })
    .join(' union all ')
  const types = definitions.map(({ contract: { actor } }) => `'${actor}'`).join(', ')
  return [
    {
      name: 'actors',
      holds: 'each actor is where its last turn left it',
      contradictions: `select coalesce(actor.actor_type, last.actor_type) as actor_type,
          coalesce(actor.id, last.actor_id) as id, actor.version, last.version as recorded_version, actor.state,
          last.to_state as recorded_state
        from (
          select distinct on (actor_id) actor_type, actor_id, version, to_state from journal
          order by actor_id, version desc
        ) as last full join (${rows}) as actor on actor.id = last.actor_id
        where (last.actor_id is not null or (select floor from journal_head) = 0)
          and (actor.actor_type, actor.version, actor.state)
            is distinct from (last.actor_type, last.version, last.to_state)`,
    },
    {
      name: 'timers',
      holds: 'the timers that are set are those that their actors know of',
      contradictions: `select coalesce(known.actor_type, timer.actor_type) as actor_type,
          coalesce(known.id, timer.actor_id) as id, coalesce(known.name, timer.name) as timer,
          known.generation as known_generation, timer.generation, known.due_at as known_due_at, timer.due_at
        from (
          select actor_type, id, version, key as name, (value ->> 'generation')::integer as generation,
            (value ->> 'dueAt')::timestamptz(3) as due_at, value -> 'event' as event
          from (${rows}) as actor, jsonb_each(timers)
        ) as known full join timer on timer.actor_id = known.id and timer.name = known.name
        where (known.actor_type, known.generation, known.due_at, known.event)
            is distinct from (timer.actor_type, timer.generation, timer.due_at, timer.event)
          or known.generation > known.version`,
    },
    {
      name: 'effects',
      holds: 'each effect that is to be done was wanted by a turn that there is',
      contradictions: `select effect.id, effect.name, effect.status, effect.actor_type, effect.actor_id, effect.version
        from effect left join journal on journal.actor_id = effect.actor_id and journal.version = effect.version
        where effect.status not in ('pending', 'dead') or (effect.actor_type in (${types})
          and journal.actor_type is distinct from effect.actor_type
          and (journal.actor_id is not null or (select floor from journal_head) = 0))`,
    },
    ...definitions.filter(({ topics }) => topics['org'] === 'orgId').map(publishedAtHome),
  ]
}

const publishedAtHome = ({ contract: { actor } }: AnyActorDefinition): Invariant => ({
  name: `published_${tableName(actor)}`,
  holds: `no turn of a '${actor}' was published to another organisation`,
  contradictions: `select journal.position, actor_id, org_id, topics
    from journal join "${tableName(actor)}" as actor on actor.id = journal.actor_id
    where journal.actor_type = '${actor}'
      and exists (select from unnest(topics) as topic where topic like 'org:%' and topic <> 'org:' || org_id)`,
})
