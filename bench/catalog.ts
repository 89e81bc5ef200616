import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { Client } from 'pg'
import { dehydrate, start } from '../actors/engine/step.ts'
import { offeringMachine } from '../machines/offering.ts'
import type { LaurelServer } from '../src/server.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { LANGUAGES, SENTENCES, SYLLABLES } from './catalog-words.ts'
import { closedLoop, middle, show } from './load.ts'
import { record } from './results.ts'
import { familyProcessorMs, processorMs } from './processor-time.ts'
import { PASSWORD, prepare, serve, signIn } from './processes.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 2_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const OFFERINGS = Number(process.env['BENCH_STORED'] ?? 200_000)
const BATCH = 10_000
const EMAIL = 'learner@bench.test'

/** Search and lists over many offerings, asked by one learner through a socket, one question at a time and several. */
export const benchCatalog = async () => {
  const postgres = await startPostgres({ fsync: true })
  const { url } = await createDatabase(postgres.url)
  const orgId = await prepare(url, aLearner)
  await patiently(url, (run) => fill(run, orgId))
  const laurel = await serve(url)
  const socket = io(`${laurel.url}/live`, {
    transports: ['websocket'],
    auth: { token: await signIn(laurel.url, EMAIL) },
  })
  const next = turns()
  const postmaster = Number(readFileSync(join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  for (const atOnce of [1, 8])
    for (const [label, questions] of Object.entries({ ...searches(), ...lists() })) {
      const ask = async () => answered(socket, questions[next() % questions.length]!)
      await closedLoop(atOnce, WINDOW_MS / 4, ask)
      const runs = []
      let [databaseMs, serverMs, count] = [0, 0, 0]
      for (let round = 0; round < ROUNDS; round++) {
        const before = [familyProcessorMs(postmaster), processorMs(laurel.child.pid!), next()]
        runs.push(await closedLoop(atOnce, WINDOW_MS, ask))
        const after = [familyProcessorMs(postmaster), processorMs(laurel.child.pid!), next()]
        const [ofDatabase, ofServer, asked] = after.map((value, index) => value - before[index]!)
        databaseMs += ofDatabase!
        serverMs += ofServer!
        count += asked!
      }
      show(`${label}, ${atOnce} at once`, middle(runs))
      const each = { databaseMs: databaseMs / count, serverMs: serverMs / count }
      record({ label: `${label}, ${atOnce} at once, processor time`, ...each })
      console.log(
        `    processor time of each: PostgreSQL ${each.databaseMs.toFixed(1)} ms, server ${each.serverMs.toFixed(1)} ms`,
      )
    }
  socket.disconnect()
  await laurel.stop()
  await postgres.stop()
}

type Question = { name: 'offerings.search' | 'offerings.list'; input: object }

const answered = async (socket: Socket, { name, input }: Question) => {
  const reply = (await socket.emitWithAck(name, input)) as { ok: boolean }
  if (!reply.ok) throw new Error(JSON.stringify({ name, input, reply }))
}

const searches = (): Record<string, Question[]> => {
  const all = (texts: readonly string[], others: object = {}) =>
    texts.map((text): Question => ({ name: 'offerings.search', input: { text, limit: 20, ...others } }))
  const names = Array.from({ length: 200 }, (_, index) => surname(index * 97))
  return {
    'search: a rare word': all(names),
    'search: a common word': all([
      'english',
      'lessons',
      'beginners',
      'homework',
      'piano',
      'online',
      'уроки',
      'A1',
    ]),
    'search: several words': all([
      'english conversation for adults',
      'guitar lessons beginners',
      'matemáticas en línea principiantes',
      'математика для детей',
      'chemistry exam preparation year 12',
      'lessons are held online',
    ]),
    'search: misspelt': [
      ...all([
        'enlgish',
        'pyhton',
        'matematics',
        'photografy',
        'chemsitry lessons',
        'gitar for begginers',
        'фотогафия',
      ]),
      ...all(names.slice(0, 50).map((name) => name.replace(/(.)(.)(?=.$)/, '$2$1'))),
    ],
    'search: beginnings': all(['gui', 'phot', 'con', 'beg', 'eng conv', 'мат', 'английский я', 'piano les']),
    'search: a common word, with filters': [
      ...all(['english', 'lessons'], { difficulty: 'advanced', maxPriceMinor: 500_000 }),
      ...all(['piano'], { kind: 'course', maxPriceMinor: 20_000 }),
    ],
  }
}

const lists = (): Record<string, Question[]> => {
  const list = (input: object): Question => ({ name: 'offerings.list', input: { limit: 20, ...input } })
  return {
    'list: without a filter': [list({})],
    'list: by one filter': [
      list({ tutorProfileId: ID(2, 77) }),
      list({ category: CATEGORY(11) }),
      list({ title: 'Guitar lessons for beginners' }),
      list({ difficulty: 'advanced' }),
      list({ published: false }),
      list({ moderation: 'flagged' }),
    ],
    'list: by several filters': [
      list({ category: CATEGORY(3), difficulty: 'advanced', published: true, moderation: 'approved' }),
      list({ difficulty: 'beginner', published: false, moderation: 'flagged' }),
      list({ kind: 'course', category: CATEGORY(40), minDurationMinutes: 30, maxDurationMinutes: 45 }),
    ],
  }
}

const ID = (kind: number, number: number) =>
  `0000000${kind}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
const SQL_ID = (kind: number, number: string) =>
  `('0000000${kind}-0000-4000-8000-' || lpad(to_hex((${number})::integer), 12, '0'))::uuid`

/** The same categories in both; a list that names one looks its id up. */
const CATEGORY = (number: number) => `Category ${number}`

/** The same surname in SQL, of the tutor with this number. */
const surname = (tutor: number) =>
  [tutor, tutor / 27, tutor / 729, tutor * 7].map((part) => SYLLABLES[Math.floor(part) % 27]).join('')

const aLearner = async ({ accounts, defaultOrgId: orgId }: LaurelServer) => {
  const user = { email: EMAIL, password: PASSWORD, name: 'Learner', orgId, roles: ['student'] as const }
  const created = await accounts.createUser(user)
  if (!created.ok) throw new Error(created.error.message)
  return orgId
}

type Run = (text: string, values?: unknown[]) => Promise<{ rows: Record<string, string>[] }>

/** The indexes are made afterwards, which is faster. */
const fill = async (run: Run, orgId: string) => {
  const begun = performance.now()
  const { rows: indexes } = await run(
    `select indexdef as text, indexname as name from pg_indexes where tablename = 'offering' and indexname <> 'offering_pkey'`,
  )
  for (const { name } of indexes) await run(`drop index "${name}"`)
  await run(
    `insert into category (id, version, machine, state, snapshot, timers, org_id, name, icon, standing)
select ${SQL_ID(3, 'number')}, 1, 'category@1', 'active', jsonb_build_object('value', 'active', 'status', 'active', 'children', '{}'::jsonb,
    'historyValue', '{}'::jsonb, 'context', jsonb_build_object('name', 'Category ' || number, 'icon', '📚', 'description', null)),
  '{}', $1, 'Category ' || number, '📚', 'active'
from generate_series(0, 59) as number`,
    [orgId],
  )
  const template = JSON.stringify(aSnapshot(orgId))
  const words = JSON.stringify({ languages: LANGUAGES, syllables: SYLLABLES, sentences: SENTENCES })
  for (let from = 0; from < OFFERINGS; from += BATCH)
    await run(FILL, [template, words, orgId, from, Math.min(from + BATCH, OFFERINGS) - 1])
  await run(`set maintenance_work_mem = '512MB'`)
  for (const { text } of indexes) await run(text!)
  for (const table of ['offering', 'search_word', 'category']) await run(`vacuum analyze ${table}`)
  await run('checkpoint')
  console.log(`${OFFERINGS} offerings were made in ${((performance.now() - begun) / 1_000).toFixed(0)} s`)
}

/** One that is published, as the machine stores it; title, price and the like are put into it by SQL. */
const aSnapshot = (orgId: string) => {
  const { snapshot } = start(offeringMachine, {
    id: randomUUID(),
    at: new Date().toISOString(),
    orgId,
    ownerId: randomUUID(),
    tutorProfileId: randomUUID(),
    tutor: { approved: true, displayName: null, version: 1 },
    rosterId: null,
    published: true,
    title: '',
    description: null,
    price: { minor: 0, currency: 'NGN' },
    category: null,
    terms: { kind: 'course', durationMinutes: 60, difficulty: null, coverImageUrl: null },
  })
  return dehydrate(snapshot)
}

const pick = (list: string, salt: number) =>
  `${list} ->> ((hashint8extended(number, ${salt}) & 2147483647)::integer % jsonb_array_length(${list}))`

const syllable = (number: string) => `($2::jsonb -> 'syllables' ->> (${number} % 27)::integer)`

const FILL = `insert into offering (id, version, machine, state, snapshot, timers, org_id, owner_id, tutor_profile_id, kind, title,
  category_id, difficulty, duration_minutes, price_minor, published, moderation, visibility)
select gen_random_uuid(), 1, 'offering@1', '', jsonb_set($1::jsonb, '{context}', ($1::jsonb -> 'context') || jsonb_build_object(
    'title', title, 'description', description, 'price', jsonb_build_object('minor', price, 'currency', 'NGN'),
    'tutor', jsonb_build_object('approved', true, 'version', 1, 'displayName', initcap(surname)),
    'category', jsonb_build_object('id', ${SQL_ID(3, 'category')}, 'name', 'Category ' || category, 'version', 1),
    'terms', jsonb_build_object('kind', 'course', 'durationMinutes', minutes, 'difficulty', difficulty, 'coverImageUrl', null))),
  '{}', $3, ${SQL_ID(1, 'tutor')}, ${SQL_ID(2, 'tutor')}, 'course', title, ${SQL_ID(3, 'category')}, difficulty, minutes, price,
  published, moderation, case when published and moderation = 'approved' then 'public' else 'private' end
from (
  select number, tutor, surname, number % 61 % 60 as category, 15 * (1 + number % 12) as minutes, number % 100 * 10000 as price,
    (array['beginner', 'intermediate', 'advanced'])[1 + number % 3] as difficulty, number % 8 <> 0 as published,
    case when number % 97 = 0 then 'flagged' else 'approved' end as moderation,
    ${pick(`language -> 'subjects'`, 1)} || ' ' || (${pick(`language -> 'forms'`, 2)}) || ' ' ||
      (language -> 'levels' ->> (number % 10)::integer) ||
      case when number % 3 = 0 then ' with ' || initcap(surname) else '' end as title,
    ($2::jsonb -> 'sentences' ->> 0) || ' ' || (${pick(`$2::jsonb -> 'sentences'`, 3)}) || ' ' ||
      (${pick(`$2::jsonb -> 'sentences'`, 4)}) as description
  from (
    select number, number / 10 as tutor, $2::jsonb -> 'languages' -> (array[0, 0, 0, 0, 1, 1, 2, 2, 3, 4])[1 + (number / 10) % 10]
        as language,
      ${syllable('number / 10')} || ${syllable('number / 270')} || ${syllable('number / 7290')} || ${syllable('number / 10 * 7')}
        as surname
    from generate_series($4::bigint, $5::bigint) as number
  ) as one
) as two`

/** The product's own connections give a query up after ten seconds. */
const patiently = async (url: string, work: (run: Run) => Promise<void>) => {
  const client = new Client({ connectionString: url })
  await client.connect()
  await work((text, values) => client.query(text, values))
  await client.end()
}

const turns = () => {
  let turn = 0
  return () => turn++
}

if (import.meta.main) {
  await benchCatalog()
  process.exit(0)
}
