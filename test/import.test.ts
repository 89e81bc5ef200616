import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { RefusedRow } from '../contracts/import.ts'
import {
  aServer,
  aTeam,
  aUser,
  connect,
  type Client,
  type Person,
  type TestServer,
} from './support/server.ts'

const minutes = (count: number) => count * 60_000

const HEADER = 'mentor,cert_type,issued_at,expires_at'

/** Mentors of the team's coordinator, so that rows spread over several. */
const mentorsOf = async (team: Awaited<ReturnType<typeof aTeam>>, count: number): Promise<string[]> => {
  const register = { userId: team.mentorUser.id, coordinatorId: team.coordinator.id }
  const others = Array.from({ length: count - 1 }, () => team.adminClient.call('mentors.register', register))
  return [team.mentorId, ...(await Promise.all(others)).map(({ id }) => id as string)]
}

const dayAfter = (start: string, count: number) =>
  new Date(Date.parse(start) + count * 86_400_000).toISOString().slice(0, 10)

/** So many rows that differ from each other. */
const rowsFor = (mentors: readonly string[], count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const days = Math.floor(index / mentors.length)
    const dates = `${dayAfter('2024-01-01', days)},${dayAfter('2030-01-01', days)}`
    return `${mentors[index % mentors.length]},first_aid,${dates}`
  })

const upload = async (
  server: TestServer,
  { token }: Pick<Person, 'token'>,
  content: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
) => {
  const response = await fetch(`${server.url}/api/v1/certifications/import`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', authorization: `Bearer ${token}`, ...headers },
    body: content,
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** The import when it has ended. */
const ended = async (client: Client, id: string) => {
  for (;;) {
    const found = await client.call('imports.get', { id })
    if (found.state !== 'running') return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const reportOf = async (client: Client, id: string, limit = 200): Promise<RefusedRow[]> => {
  const items: RefusedRow[] = []
  for (let after: number | undefined; ;) {
    const { data } = await client.call('imports.report', { id, limit, ...(after ? { after } : {}) })
    items.push(...data.items)
    after = data.next
    if (after === undefined) return items
  }
}

const countOf = async (server: TestServer, orgId: string) => {
  const [row] = await server.database.sql.query<{ count: string | number }>(
    { name: 'count_certifications', text: 'select count(*) as count from certification where org_id = $1' },
    [orgId],
  )
  return Number(row!.count)
}

const filesOf = async (server: TestServer) =>
  (await server.database.sql.query({ name: 'import_files', text: 'select id from import_file' })).length

it('imports 2,000 rows while the coordinator watches, and the same file again changes nothing', async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const { coordinator, orgId } = team
  const client = await connect(server, coordinator)
  const topic = `user:${coordinator.id}`
  await client.subscribe({ topics: [topic] })
  const file = [HEADER, ...rowsFor(await mentorsOf(team, 40), 2_000)].join('\n')

  const commandId = randomUUID()
  const accepted = await upload(server, coordinator, file, { 'idempotency-key': commandId })
  expect(accepted.status).toBe(202)
  const { id } = accepted.body.data
  expect(accepted.headers.get('location')).toBe(`/api/v1/imports/${id}`)
  expect(accepted.body).toMatchObject({
    status: 'success',
    data: { state: 'running', version: 1, view: { id, startedBy: coordinator.id, rows: 2_000, done: 0 } },
  })

  const completed = await client.next('import.completed')
  expect(completed).toMatchObject({
    topic,
    actor: { type: 'import', id },
    state: 'completed',
    data: { rows: 2_000, done: 2_000, issued: 2_000, unchanged: 0, refused: 0 },
  })
  const steps = client.received
    .filter(([name]) => name === 'import.progressed')
    .map(([, { data }]) => data.done)
  expect(steps).toEqual([500, 1_000, 1_500])
  expect(await countOf(server, orgId)).toBe(2_000)
  expect(await client.call('certifications.list', { limit: 1 })).toMatchObject({
    data: { items: [{ state: 'valid', view: { coordinatorId: coordinator.id, certType: 'first_aid' } }] },
  })

  const repeated = await upload(server, coordinator, file, { 'idempotency-key': commandId })
  expect(repeated.body.data).toEqual(accepted.body.data)
  const other = await upload(server, coordinator, `${file}\n`, { 'idempotency-key': commandId })
  expect(other).toMatchObject({ status: 409, body: { error: { code: 'command_id_reused' } } })

  const again = await upload(server, coordinator, file)
  expect(await ended(client, again.body.data.id)).toMatchObject({
    state: 'completed',
    data: { issued: 0, unchanged: 2_000, refused: 0 },
  })
  expect(await countOf(server, orgId)).toBe(2_000)
  await expect.poll(() => filesOf(server)).toBe(0)
}, 60_000)

it('reports each refused row with its line, and imports the others', async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const { coordinator, mentorId, mentorUser, orgId } = team
  const client = await connect(server, coordinator)
  const strangers = await aTeam(server)
  const twin = await aUser(server, ['peer_mentor'], orgId)
  for (let n = 0; n < 2; n++)
    await team.adminClient.call('mentors.register', { userId: twin.id, coordinatorId: coordinator.id })
  const colleague = await aUser(server, ['coordinator'], orgId)
  const colleagues = await team.adminClient.call('mentors.register', {
    userId: mentorUser.id,
    coordinatorId: colleague.id,
  })

  const lines = [
    'expiresAt,certType,mentor,issuedAt', // 1
    `2030-12-31,first_aid,${mentorId},2026-01-01`,
    `"2031-12-31","first_aid",${mentorUser.email.toUpperCase()}, 2026-01-01T12:00:00+02:00 `,
    '',
    `2030-12-31,first_aid,${strangers.mentorId},2026-01-01`, // 5
    `2030-12-31,first_aid,${colleagues.id},2026-01-01`,
    `2030-12-31,first_aid,nobody@example.test,2026-01-01`,
    `2030-12-31,first_aid,"=HYPERLINK(""http://evil"")\nand a second line\n",2026-01-01`, // 8 to 10
    `2030-12-31,first_aid,${mentorId},2026-02-30`, // 11
    `2025-12-31,first_aid,${mentorId},2026-01-01`,
    `2030-12-31,First Aid!,${mentorId},2026-01-01`,
    `2030-12-31,first_aid,${mentorId}`,
    `2030-12-31,first_aid,${mentorId},2026-01-01,`, // 15
    `2030-12-31,first_aid,${twin.email},2026-01-01`,
    `2030-12-31,first_aid,${mentorId.toUpperCase()},2026-01-01`,
    `2021-12-31,first_aid,${mentorId},2020-01-01`, // 18: a record of the past
    `,,,`,
  ]
  const accepted = await upload(server, coordinator, `\uFEFF${lines.join('\r\n')}\r\n`)
  expect(accepted.status).toBe(202)
  const { id } = accepted.body.data
  expect(await ended(client, id)).toMatchObject({
    state: 'completed',
    data: { rows: 15, done: 15, issued: 3, unchanged: 1, refused: 11 },
  })

  const report = await reportOf(client, id, 4)
  expect(report.map(({ line, code, column }) => [line, code, column])).toEqual([
    [5, 'not_found', 'mentor'],
    [6, colleagues.ok ? 'not_found' : 'setup', 'mentor'],
    [7, 'not_found', 'mentor'],
    [8, 'invalid_input', 'mentor'],
    [11, 'invalid_input', 'issued_at'],
    [12, 'invalid_input', 'expires_at'],
    [13, 'invalid_input', 'cert_type'],
    [14, 'invalid_input', undefined],
    [15, 'invalid_input', undefined],
    [16, 'invalid_input', 'mentor'],
    [19, 'invalid_input', 'mentor'],
  ])
  expect(JSON.stringify(report)).not.toMatch(/HYPERLINK|nobody|First Aid!|2026-02-30/)

  const { data } = await client.call('certifications.list', { mentorId })
  const dates = data.items.map(({ view, state }: { view: Record<string, string>; state: string }) => [
    view['issuedAt'],
    view['expiresAt'],
    state,
  ])
  expect(dates.toSorted()).toEqual([
    ['2020-01-01T00:00:00.000Z', '2021-12-31T23:59:59.999Z', 'expired'],
    ['2026-01-01T00:00:00.000Z', '2030-12-31T23:59:59.999Z', 'valid'],
    ['2026-01-01T10:00:00.000Z', '2031-12-31T23:59:59.999Z', 'valid'],
  ])
})

it('counts what was recorded by hand as unchanged', async () => {
  const server = await aServer()
  const { coordinator, mentorId, orgId } = await aTeam(server)
  const client = await connect(server, coordinator)
  await client.call('certifications.issue', {
    mentorId,
    certType: 'first_aid',
    issuedAt: '2026-01-01T00:00:00Z',
    expiresAt: '2030-12-31T23:59:59.999Z',
  })
  const { body } = await upload(
    server,
    coordinator,
    `${HEADER}\n${mentorId},first_aid,2026-01-01,2030-12-31\n`,
  )
  expect(await ended(client, body.data.id)).toMatchObject({ data: { issued: 0, unchanged: 1, refused: 0 } })
  expect(await countOf(server, orgId)).toBe(1)
})

it('goes on after a restart in the middle, and counts every row once', async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const client = await connect(server, team.coordinator)
  await client.subscribe({ topics: [`user:${team.coordinator.id}`] })
  const mentors = await mentorsOf(team, 60)
  // Here and there one that is refused, so that the report is put together from both lives.
  const rows = rowsFor(mentors, 3_000).map((row, index) => (index % 100 === 0 ? 'nobody,,,' : row))
  const { body } = await upload(server, team.coordinator, [HEADER, ...rows].join('\n'))
  const { id } = body.data
  const first = await client.next('import.progressed')
  expect(first.data.done).toBe(500)

  await server.close()
  const stoppedAt = server.clock.at()
  server.clock.advance(minutes(5))
  const restarted = await server.restart()
  const after = await connect(restarted, team.coordinator)
  const completed = await ended(after, id)
  expect(completed).toMatchObject({
    state: 'completed',
    data: { rows: 3_000, done: 3_000, issued: 2_970, unchanged: 0, refused: 30 },
  })
  expect(Date.parse(completed.data.finishedAt) - Date.parse(stoppedAt)).toBeGreaterThanOrEqual(minutes(5))
  expect(await countOf(restarted, team.orgId)).toBe(2_970)
  const report = await reportOf(after, id)
  expect(report.map(({ line }) => line)).toEqual(Array.from({ length: 30 }, (_, index) => index * 100 + 2))
}, 60_000)

it('ends when whoever started it may import no more', async () => {
  const server = await aServer()
  const team = await aTeam(server)
  await team.adminClient.subscribe({ topics: [`org:${team.orgId}`] })
  const rows = rowsFor(await mentorsOf(team, 60), 6_000)
  const { body } = await upload(server, team.coordinator, [HEADER, ...rows].join('\n'))
  await team.adminClient.next('import.progressed')
  const blocked = await fetch(`${server.url}/api/v1/users/${team.coordinator.id}/block`, {
    method: 'POST',
    headers: { authorization: `Bearer ${team.admin.token}` },
  })
  expect(blocked.status).toBe(200)
  const failed = await team.adminClient.next('import.failed')
  expect(failed).toMatchObject({
    actor: { id: body.data.id },
    state: 'failed',
    data: { reason: 'forbidden' },
  })
  expect(failed.data.done).toBe(await countOf(server, team.orgId))
  await expect.poll(() => filesOf(server)).toBe(0)
}, 60_000)

it('is for coordinators and administrators, and each import for those who may see it', async () => {
  const server = await aServer()
  const team = await aTeam(server)
  const { mentorUser, coordinator, admin, mentorId, orgId } = team
  const file = `${HEADER}\n${mentorId},first_aid,2026-01-01,2030-12-31\n`
  expect(await upload(server, mentorUser, file)).toMatchObject({
    status: 403,
    body: { status: 'error', error: { code: 'forbidden' } },
  })
  expect(await upload(server, { token: 'nonsense' }, file)).toMatchObject({ status: 401 })

  const { body } = await upload(server, coordinator, file)
  const { id } = body.data
  await ended(team.adminClient, id)
  const byAdmin = await upload(server, admin, file)
  expect(await ended(team.adminClient, byAdmin.body.data.id)).toMatchObject({ data: { unchanged: 1 } })

  const stranger = await aTeam(server)
  const colleague = await aUser(server, ['coordinator'], orgId)
  for (const person of [stranger.admin, stranger.coordinator, colleague, mentorUser]) {
    const client = await connect(server, person)
    for (const query of ['imports.get', 'imports.report', 'imports.journal'])
      expect(await client.call(query, { id })).toMatchObject({ ok: false, error: { code: 'not_found' } })
    expect((await client.call('imports.list')).data.items).toEqual([])
    expect(await client.subscribe({ topics: [`import:${id}`] })).toMatchObject({
      ok: false,
      error: { code: 'forbidden' },
    })
    expect(await client.call('imports.start', { id: randomUUID() })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    })
  }
  const overHttp = await fetch(`${server.url}/api/v1/imports/${id}/report`, {
    headers: { authorization: `Bearer ${stranger.admin.token}` },
  })
  expect(overHttp.status).toBe(404)
  const own = await connect(server, coordinator)
  expect((await own.call('imports.list', { state: 'completed' })).data.items).toMatchObject([{ id }])
  expect(await own.call('imports.journal', { id })).toMatchObject({
    data: {
      items: [
        { type: 'start', by: coordinator.id },
        { type: 'importer.finished', by: null },
      ],
    },
  })
})

it('refuses what is no CSV file of certifications, and stores nothing of it', async () => {
  const server = await aServer()
  const { coordinator, mentorId } = await aTeam(server)
  const row = `${mentorId},first_aid,2026-01-01,2030-12-31`
  const refusals: [content: string | Buffer<ArrayBuffer>, says: RegExp][] = [
    ['', /no file|no rows|cannot be read/],
    [`${HEADER}\n`, /no rows/],
    ['\uFEFF', /no rows/],
    [`mentor,cert_type,issued_at\n${row}`, /header/],
    [`${HEADER},issuedAt\n${row},x`, /header/],
    [`${HEADER},colour\n${row},red`, /header/],
    [`${HEADER.replaceAll(',', ';')}\n${row}`, /separated by commas/],
    [`${HEADER}\r\n${row}\r\n"${row}\r\n`, /line 3: a quotation mark is opened and never closed/],
    [`${HEADER}\r\n"a\r\nb",,,\r\n"a"b,,,\r\n`, /line 4: text follows/],
    [`${HEADER}\n${row}\nSecret"Value,,,`, /line 3: a quotation mark stands inside/],
    [Buffer.concat([Buffer.from(`${HEADER}\n${row}\n`), Buffer.from([0xff, 0xfe])]), /not UTF-8/],
    [Buffer.from(`\uFEFF${HEADER}\n${row}`, 'utf16le'), /not UTF-8/],
    [`${HEADER}\n${row}\0`, /NUL/],
    [`${HEADER}\n${row}\n${'3 '.repeat(5_000)}`, /line 3: it is longer than 8192 characters/],
    [`${HEADER}\n${',\n'.repeat(100_001)}`, /more than 100000 rows/],
  ]
  for (const [content, says] of refusals) {
    const { status, body } = await upload(server, coordinator, content)
    expect([status, body.error.code, body.error.message]).toEqual([
      400,
      'invalid_input',
      expect.stringMatching(says),
    ])
    expect(JSON.stringify(body)).not.toContain('Secret')
  }
  const missing = await upload(server, coordinator, 'mentor,Mentor,colour\n')
  expect(missing.body.error.details).toEqual([
    { path: ['cert_type'], reason: 'is missing' },
    { path: ['issued_at'], reason: 'is missing' },
    { path: ['expires_at'], reason: 'is missing' },
    { path: ['mentor'], reason: 'is there twice' },
    { path: ['colour'], reason: 'is unknown' },
  ])
  const asJson = { 'content-type': 'application/json' }
  expect(await upload(server, coordinator, '{}', asJson)).toMatchObject({ status: 415 })
  const badKey = { 'idempotency-key': 'seven' }
  expect(await upload(server, coordinator, `${HEADER}\n${row}`, badKey)).toMatchObject({ status: 400 })
  const large = `${HEADER}\n`.padEnd(10 * 1024 * 1024 + 1, 'x')
  expect(await upload(server, coordinator, large)).toMatchObject({
    status: 413,
    body: { error: { code: 'payload_too_large' } },
  })
  expect(await filesOf(server)).toBe(0)
  expect((await (await connect(server, coordinator)).call('imports.list')).data.items).toEqual([])
})
