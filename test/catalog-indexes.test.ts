import { randomUUID } from 'node:crypto'
import type { LogContext } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '../actors/actor.ts'
import { category } from '../actors/category.ts'
import { offering } from '../actors/offering.ts'
import { createRead } from '../persistence/read.ts'
import { rankedText } from '../persistence/text-search-sql.ts'
import type { Database } from '../persistence/database.ts'
import { aDatabase } from './support/database.ts'

/**
 * Lists of offerings are read by an index, whatever the filters are. PGlite plans in the same way; PostgreSQL alone is looked
 * at, because it has somebody who collects statistics.
 */
const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'

const OFFERINGS = 40_000
const BATCH = 5_000
const orgId = randomUUID()
const otherOrgId = randomUUID()

/** One of many tutors, titles and categories, as text that SQL makes into a UUID or a title. */
const ID = (kind: number, number: string) =>
  `('0000000${kind}-0000-4000-8000-' || lpad(to_hex((${number})::integer), 12, '0'))::uuid`
const idOf = (kind: number, number: number) =>
  `0000000${kind}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

const FILL = `insert into offering (id, version, machine, state, snapshot, timers, org_id, owner_id, tutor_profile_id, kind, title,
  category_id, scheduling, difficulty, duration_minutes, price_minor, published, moderation, visibility)
select gen_random_uuid(), 1, 'offering@1', '', jsonb_build_object('context', jsonb_build_object('title', title)), '{}', org_id::uuid, ${ID(1, 'tutor')}, ${ID(2, 'tutor')}, kind, title,
  ${ID(3, 'category')},
  case when kind = 'course_pack' then case when dice < 0.2 then 'strict' else 'flexible' end end,
  case when kind = 'course' then (array['beginner', 'intermediate', 'advanced'])[1 + number % 3] end,
  case when kind = 'course' then number % 600 end, number % 50000, published, moderation,
  case when dice > 0.98 then 'deleted' when published and moderation = 'approved' and tutor % 20 <> 0 then 'public' else 'private' end
from (
  select number, random() as dice, number % 1000 as tutor, floor(random() * 60) as category, random() < 0.85 as published,
    case when number % 4 = 0 then $2 else $1 end as org_id,
    case when number % 3 = 0 then 'course' else 'course_pack' end as kind,
    case when number <= 1000 then 'default' else 'title ' || number % 4000 || ' ' || number / 4000 end as title,
    case when number % 97 = 0 then 'flagged' when number % 193 = 0 then 'removed' else 'approved' end as moderation
  from generate_series($3::integer, $3 + ${BATCH} - 1) as number
) as one`

const CATEGORY = `insert into category (id, version, machine, state, snapshot, timers, org_id, name, standing) values
($1, 1, 'category@1', 'active', '{"value": "active", "status": "active", "children": {}, "historyValue": {},
  "context": {"name": "Category 11"}}', '{}', $2, 'Category 11', 'active')`

/** Filters that the rows name, with a value that few offerings have and one that many have. */
const FILTERS: Record<string, readonly (string | boolean)[]> = {
  tutorProfileId: [idOf(2, 7)],
  title: ['default', 'title 11 1'],
  category: ['Category 11'],
  scheduling: ['flexible', 'strict'],
  published: [true, false],
  moderation: ['approved', 'flagged'],
}

const PRINCIPALS: Record<string, Principal> = {
  'a learner': { orgId, userId: randomUUID(), roles: ['student'] },
  'a tutor': { orgId, userId: idOf(1, 7), roles: ['instructor'] },
  'an administrator': { orgId, userId: randomUUID(), roles: ['admin'] },
}

type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Index Cond'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}

type Explained = { 'QUERY PLAN': [{ Plan: Plan }] }

describe.runIf(isPostgres)('S2.36 a list of offerings', () => {
  let database: Database
  let asked: LogContext[]

  beforeAll(async () => {
    database = await aDatabase()
    for (let from = 1; from <= OFFERINGS; from += BATCH)
      await database.sql.query({ name: 'fill', text: FILL }, [orgId, otherOrgId, from])
    await database.sql.query({ name: 'category', text: CATEGORY }, [idOf(3, 11), orgId])
    await database.sql.query({ name: 'analyze', text: 'analyze offering' })
    // What the read port asks is listened to, so that no other statement is explained than the one that is meant.
    await database.read(async (em) => {
      const logger = em.config.getLogger()
      logger.setDebugMode(['query'])
      logger.logQuery = (context) => void asked.push(context)
    })
  }, 120_000)
  afterAll(() => database.close())

  const planOf = async (principal: Principal, input: object): Promise<Plan> => {
    asked = []
    const read = createRead(database, {} as never, [offering, category], () => Promise.resolve(undefined))
    const scopes = offering.scopes(principal)
    const request = { definition: offering, scopes, input, principal, at: '', read }
    await offering.queries.list(request).catch(() => {}) // What is stored of these offerings is not all that they have.
    const { query, params = [] } = asked.find((one) => one.query?.includes('"offering"'))!
    const text = `explain (analyze, format json) ${query}`
    const rows = await database.read((em) => em.getConnection().execute<Explained[]>(text, [...params]))
    return rows[0]!['QUERY PLAN'][0].Plan
  }

  it.each(Object.keys(PRINCIPALS))(
    'of %s is read by an index with all combinations of filters',
    async (who) => {
      const slow: string[] = []
      for (const filters of combinations(Object.entries(FILTERS))) {
        const plan = await planOf(PRINCIPALS[who]!, filters)
        const label = JSON.stringify(filters)
        const unindexed = leaves(plan).filter((leaf) => !leaf['Index Cond'])
        if (unindexed.length > 0)
          slow.push(
            `${label}: ${unindexed.map((leaf) => `${leaf['Node Type']} ${leaf['Index Name']}`).join()}`,
          )
        if (touched(plan) > OFFERINGS / 10) slow.push(`${label}: ${touched(plan)} rows are read`)
      }
      expect(slow).toEqual([])
    },
  )

  it('of which a word says most is searched without reading most of them', async () => {
    const scopes = offering.scopes(PRINCIPALS['a learner']!)
    const all = `'title' & 'org_id=${orgId}' & 'visibility=public'`
    const words = { narrowed: all, narrowedTitle: all, meant: `'title'`, asked: `'title'`, whole: `'title'` }
    const pages: string[][] = []
    // By the index, and in the order of the table, as it is done when the planner expects so many.
    for (const titled of [0, OFFERINGS / 2]) {
      const search = { text: 'title', scopes, limit: 50 }
      const { text, parameters } = rankedText(offering, search, 'title', { ...words, titled, told: titled })
      const rows = await database.sql.query<{ id: string }>({ name: '', text }, parameters)
      pages.push(rows.map(({ id }) => id))
      const [plan] = await database.sql.query<Explained>(
        { name: '', text: `explain (analyze, format json) ${text}` },
        parameters,
      )
      expect(touched(plan!['QUERY PLAN'][0].Plan)).toBeLessThan(OFFERINGS / 10)
    }
    expect(pages[0]).toHaveLength(51)
    expect(pages[1]).toEqual(pages[0])
  })
})

type Filters = Record<string, string | boolean>

/** Every choice of filters and of their values, the empty one included. */
const combinations = (filters: [string, readonly (string | boolean)[]][]): Filters[] => {
  const [first, ...others] = filters
  if (!first) return [{}]
  const [name, values] = first
  return combinations(others).flatMap((rest) => [
    rest,
    ...values.map((value) => ({ [name]: value, ...rest })),
  ])
}

const leaves = (plan: Plan): Plan[] => (plan.Plans ? plan.Plans.flatMap(leaves) : [plan])

/** Rows of the table that were looked at, to throw them away or not. */
const touched = (plan: Plan): number =>
  (plan['Relation Name'] === 'offering'
    ? (plan['Actual Rows'] +
        (plan['Rows Removed by Filter'] ?? 0) +
        (plan['Rows Removed by Index Recheck'] ?? 0)) *
      plan['Actual Loops']
    : 0) + (plan.Plans ?? []).reduce((sum, child) => sum + touched(child), 0)
