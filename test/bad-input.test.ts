import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { derivedId } from '../actors/derived-id.ts'
import { actors } from '../actors/registry.ts'
import type { ServerOptions } from '../src/server.ts'
import { days } from './support/clock.ts'
import { http, outcomeOf } from './support/http.ts'
import { rawClient, signedInRaw, type Raw } from './support/raw-client.ts'
import { aServer, aTeam, aUser, connect, type TestServer } from './support/server.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
const PATIENCE = { timeout: 300_000 }

const TABLES = [
  'certification',
  'mentor',
  'journal',
  'effect',
  'timer',
  'user_account',
  'session',
  'user_role',
]

/** All that a client could have written: the journal's head and the number of rows of every table. */
const contentsOf = async ({ database }: TestServer) => {
  const counts = TABLES.map((table) => `(select count(*)::int from ${table}) as ${table}`)
  const [contents] = await database.sql.query<Record<string, unknown>>(
    {
      name: 'contents',
      text: `select (select position::int from journal_head) as head, ${counts.join(', ')}`,
    },
    [],
  )
  return contents
}

/** The same, when everything that was under way has happened. */
const quiet = async (server: TestServer) => {
  await vi.waitFor(async () => expect(await contentsOf(server)).toMatchObject({ effect: 0 }), PATIENCE)
  return contentsOf(server)
}

/** A team with one certification, when all that follows from it has happened. */
const aScene = async (options: Partial<ServerOptions> = {}) => {
  const server = await aServer(options)
  const team = await aTeam(server)
  const client = await connect(server, team.coordinator)
  const canary = await connect(server, team.admin)
  const issued = await client.call('certifications.issue', {
    mentorId: team.mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(-days(10)),
    expiresAt: server.clock.at(days(200)),
  })
  const before = await quiet(server)
  return {
    server,
    ...team,
    client,
    canary,
    certificationId: issued.id as string,
    issued,
    /** Everybody else is served, and nothing has been written. */
    expectUnharmed: async () => {
      expect(await canary.call('mentors.get', { id: team.mentorId })).toMatchObject({ ok: true })
      expect(await contentsOf(server)).toEqual(before)
    },
  }
}

type Scene = Awaited<ReturnType<typeof aScene>>

const refusal = (code: string) => ({ ok: false, error: { code, message: expect.any(String) } })

/** What comes back on the socket for one frame. */
const ackOf = (frame: string) => JSON.parse(frame.slice(frame.indexOf('['))) as unknown[]

describe('frames', () => {
  it('that are no Socket.IO packets end their connection', PATIENCE, async () => {
    const { server, client, admin, expectUnharmed } = await aScene()
    const frames: (string | Uint8Array<ArrayBuffer>)[] = [
      '42/live,{',
      '42/live,7{}',
      '42/live,7[]',
      '42/live,7[null]',
      '42/live,7[{}]',
      '42/live,7"text"',
      '42/live,7["mentors.list",{]',
      ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map(
        (name) => `42/live,7["${name}",{}]`,
      ),
      '4',
      '4x',
      '49/live,7["mentors.list"]',
      '44/live,{"message":"x"}',
      `40/live,${JSON.stringify({ token: admin.token })}`,
      '40/mentors,[]',
      '40/mentors,"text"',
      '41/live,{}',
      '43/live,1{}',
      '42/mentors,7["list",{}]',
      '42["mentors.list",{}]',
      // Attachments that are announced, with and without bytes to follow.
      '451-/live,7["mentors.get",{"_placeholder":true,"num":0}]',
      '450-/live,7["mentors.get",{}]',
      '45-/live,7["mentors.get",{}]',
      '4511-/live,7["mentors.get",{}]',
      '451e9-/live,7["mentors.get",{}]',
      '461-/live,7[{"_placeholder":true,"num":0}]',
      new Uint8Array([1, 2, 3]),
      new TextEncoder().encode('42/live,7["mentors.list",{}]'),
      // Acknowledgement ids that no answer could repeat.
      '42/live,99999999999999999999["mentors.list",{}]',
      '42/live,12345678901["mentors.list",{}]',
      '42/live,-1["mentors.list",{}]',
      '42/live,1e9["mentors.list",{}]',
      // Too large, and nothing that could be answered.
      `43/live,7["${'x'.repeat(66_000)}"]`,
      `42/live,7["${'x'.repeat(66_000)}",{}]`,
      `42/live,7${'['.repeat(12_000)}`,
      // Engine.IO's own.
      '',
      '9',
      'x',
      '2probe',
    ]
    for (const frame of frames) {
      const raw = await signedInRaw(server, admin.token)
      raw.send(frame)
      // An answer would be the surprise.
      expect([String(frame).slice(0, 60), await raw.next('43')]).toEqual([
        String(frame).slice(0, 60),
        'closed',
      ])
    }
    await expectUnharmed()
    expect(client.socket.connected).toBe(true)
  })

  it('that come before a namespace is joined end the connection', PATIENCE, async () => {
    const { server, expectUnharmed } = await aScene()
    for (const frame of [
      '42/live,7["mentors.list",{}]',
      '42["x"]',
      '41/live,',
      '43/live,1[]',
      '44/live,{}',
    ]) {
      const raw = await rawClient(server)
      raw.send(frame)
      expect([frame, await raw.next('4')]).toEqual([frame, 'closed'])
    }
    await expectUnharmed()
  })

  it('that are odd and well-formed are answered, or pass', PATIENCE, async () => {
    const { server, admin, expectUnharmed } = await aScene()
    const raw = await signedInRaw(server, admin.token)
    const odd = [
      '42/live,', // No name, and nobody to tell.
      '43/live,1[]', // The answer to a question that nobody asked.
      '42/live,["mentors.list",{}]',
      '42/live,["mentors.pause",{}]',
      '42/live,["nothing",{}]',
      '42/live,["mentors.list",null]',
      '5',
      '6',
      '3x',
    ]
    for (const frame of odd) raw.send(frame)
    raw.send('42/live,7')
    expect(ackOf(await raw.next('43/live,7['))).toMatchObject([refusal('unknown_command')])
    raw.send('42/live,2147483647["mentors.list",{}]')
    expect(ackOf(await raw.next('43/live,2147483647['))).toMatchObject([{ ok: true }])
    await expectUnharmed()
  })

  it('above 64 KiB are refused by name, and 10 MB end the connection', PATIENCE, async () => {
    const { server, admin, client, certificationId, expectUnharmed } = await aScene()
    const reason = 'x'.repeat(65 * 1024)
    expect(await client.call('certifications.suspend', { id: certificationId, reason })).toMatchObject(
      refusal('payload_too_large'),
    )
    expect(await client.call('subscribe', { topics: [reason] })).toMatchObject(refusal('payload_too_large'))
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, index]))
    expect(await client.call('mentors.list', wide)).toMatchObject(refusal('payload_too_large'))
    // Bytes count, not characters.
    expect(await client.call('mentors.list', { after: 'é'.repeat(33 * 1024) })).toMatchObject(
      refusal('payload_too_large'),
    )
    expect(await client.call('mentors.list', { after: 'x'.repeat(60_000) })).toMatchObject(
      refusal('invalid_input'),
    )

    const raw = await signedInRaw(server, admin.token)
    raw.send(`42/live,7["certifications.suspend",{"reason":"${'x'.repeat(10 * 1024 * 1024)}"}]`)
    // The connection may end before the last byte has left, and then without the code.
    expect([1006, 1009]).toContain(await raw.closed)
    expect(client.socket.connected).toBe(true)
    await expectUnharmed()
  })

  it('end the connection when they go on being wrong', PATIENCE, async () => {
    const { server, admin, client, expectUnharmed } = await aScene()
    const wrong: [string, unknown][] = [
      ['nothing.here', {}],
      ['mentors.list', 'text'],
      ['mentors.list', { after: 'a\0b' }],
      ['mentors.list', { after: 'x'.repeat(66_000) }],
    ]
    for (const [name, payload] of wrong) {
      const offender = await connect(server, admin)
      const ended = new Promise((resolve) => offender.socket.once('disconnect', resolve))
      for (let count = 0; count < 25; count++) offender.socket.emit(name, payload)
      expect(await ended).toBe('io server disconnect')
      expect(offender.received).toContainEqual(['closing', { code: 'protocol_error' }])
    }
    // Forms that people fill in wrongly are no protocol errors.
    for (let count = 0; count < 30; count++)
      expect(await client.call('certifications.status', { mentorId: 'x' })).toMatchObject(
        refusal('invalid_input'),
      )
    await expectUnharmed()
  })
})

describe('calls', () => {
  const MACHINE_NAMES = [
    'certification.standingChanged',
    'mentors.certification.standingChanged',
    'mentor.reassigned',
    'certifications.mentor.reassigned',
    'xstate.init',
    'xstate.stop',
    'certifications.xstate.init',
    'xstate.after.expiry.certification@1.valid',
    'certifications.xstate.after.expiry.certification@1.valid',
    'xstate.done.actor.0',
    'certification.expired',
    'certifications.expired',
    'certifications.settle',
    'certifications.tell',
  ]

  it('of anything but a command or a query are unknown', PATIENCE, async () => {
    const { server, admin, mentorId, certificationId, expectUnharmed } = await aScene()
    const names = [
      MACHINE_NAMES,
      ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'certifications.__proto__'],
      ['certifications.constructor', 'certifications.', '.issue', 'certifications.issue.x', 'issue'],
      ['', ' ', '*', 'error', 'message', 'ping', 'certifications.Issue', 'certifications/issue'],
      ['closing', 'session.expired', 'topic.closed', 'position', 'events'],
      [0, 5, -1, 1.5, 1e308],
    ].flat()
    const payload = { id: certificationId, mentorId, reason: 'x', standing: 'revoked' }
    for (const name of names) {
      // One connection each: they end when they go on.
      const raw = await signedInRaw(server, admin.token)
      raw.send(`42/live,7${JSON.stringify([name, payload])}`)
      expect([name, ackOf(await raw.next('43/live,7'))]).toMatchObject([name, [refusal('unknown_command')]])
    }
    const narrow = await connect(server, admin, '/certifications')
    for (const name of ['certifications.get', 'mentors.get', 'standingChanged', 'xstate.stop', '__proto__'])
      expect(await narrow.call(name, { id: certificationId })).toMatchObject(refusal('unknown_command'))
    await expectUnharmed()
  })

  it('with anything but one object are invalid', PATIENCE, async () => {
    const { server, admin, expectUnharmed } = await aScene()
    const payloads = ['null', '[]', '[{}]', '"text"', '""', '0', '1', 'true', '{},{}', '{},null', 'null,{}']
    const names = ['mentors.list', 'certifications.issue', 'subscribe', 'unsubscribe', 'session.refresh']
    for (const name of names) {
      const raw = await signedInRaw(server, admin.token)
      for (const [index, payload] of payloads.entries()) {
        raw.send(`42/live,${index}["${name}",${payload}]`)
        const answer = ackOf(await raw.next(`43/live,${index}[`))
        expect([name, payload, answer]).toMatchObject([name, payload, [refusal('invalid_input')]])
      }
    }
    await expectUnharmed()
  })

  it('with what no JSON should hold are invalid', PATIENCE, async () => {
    const { server, admin, certificationId, expectUnharmed } = await aScene()
    const nested = (depth: number) => '{"a":'.repeat(depth - 1) + '{}' + '}'.repeat(depth - 1)
    const payloads = {
      'has a forbidden key': [
        '{"__proto__":{"isAdmin":true}}',
        '{"constructor":{"prototype":{"isAdmin":true}}}',
        '{"reason":{"prototype":1}}',
        '{"a":[{"b":{"__proto__":null}}]}',
        '{"a\\u0000b":1}',
        '{"\\ud800":1}',
      ],
      'contains NUL': ['{"reason":"a\\u0000b"}', '{"reason":["\\u0000"]}'],
      'contains a lone surrogate': ['{"reason":"\\ud800"}', '{"reason":"\\udc00\\ud800"}'],
      'is not a finite number': ['{"expectedVersion":1e400}', '{"expectedVersion":-1e400}'],
      'is too large to be kept exactly': ['{"expectedVersion":9007199254740993}', '{"a":1e300}'],
      'is nested deeper than 32 levels': [
        nested(33),
        `{"reason":${'['.repeat(32)}${']'.repeat(32)}}`,
        `{"reason":${'['.repeat(6_000)}${']'.repeat(6_000)}}`,
        `{"reason":${'{"a":'.repeat(6_000)}1${'}'.repeat(6_000)}}`,
      ],
    }
    for (const name of ['certifications.suspend', 'certifications.list', 'subscribe', 'session.refresh'])
      for (const [reason, texts] of Object.entries(payloads)) {
        const raw = await signedInRaw(server, admin.token)
        for (const [index, text] of texts.entries()) {
          raw.send(`42/live,${index}["${name}",${text}]`)
          expect(ackOf(await raw.next(`43/live,${index}[`))).toMatchObject([
            { ok: false, error: { code: 'invalid_input', details: [{ reason }] } },
          ])
        }
      }
    // The last level that is allowed: what is in it is wrong, how deep it is is not.
    const raw = await signedInRaw(server, admin.token)
    raw.send(`42/live,1["certifications.suspend",{"id":"${certificationId}","reason":"x","a":${nested(31)}}]`)
    expect(ackOf(await raw.next('43/live,1['))).toMatchObject([
      { error: { code: 'invalid_input', details: [{ path: ['a'], reason: 'is unknown' }] } },
    ])
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    await expectUnharmed()
  })
})

describe('fields', () => {
  const invalidFields = ({ server, mentorId, certificationId: id, admin }: Scene): [string, object][] => {
    const { clock } = server
    const issuedAt = clock.at(-days(1))
    const expiresAt = clock.at(days(100))
    const issue = { mentorId, certType: 'first_aid', issuedAt, expiresAt }
    const renew = { id, issuedAt, expiresAt }
    const scalars: unknown[] = [null, true, 0, -1, 1.5, '', 'text', [], [id], {}, { $ne: null }, { id }]
    const notAText = scalars.filter((value) => typeof value !== 'string')
    const instants = [
      notAText,
      ['', 'today', '2026', '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01', 'infinity'],
      ['0000-01-01T00:00:00Z', '1899-12-31T23:59:59.999Z', '2200-01-01T00:00:00Z', '9999-12-31T23:59:59Z'],
      ['+275760-09-13T00:00:00.000Z', '2026-01-01T00:00:00', 'Infinity', '1e400'],
    ].flat()
    const ids = [...scalars, `${id}x`, ` ${id}`, id.replaceAll('-', ''), `{${id}}`, "' or 1=1 --", '*', '%']
    const over = (fields: object, name: string, values: readonly unknown[]) =>
      values.map((value) => ({ ...fields, [name]: value }))
    const cases: [string, object[]][] = [
      ['certifications.issue', over(issue, 'mentorId', ids)],
      ['certifications.issue', over(issue, 'id', ids)],
      ['certifications.issue', over(issue, 'commandId', ids)],
      ['certifications.issue', over(issue, 'issuedAt', instants)],
      ['certifications.issue', over(issue, 'expiresAt', instants)],
      ['certifications.issue', over(issue, 'certType', [...notAText, '', 'First Aid', 'é', 'a'.repeat(65)])],
      ['certifications.issue', over(issue, 'import', [null, 'true', 1, {}])],
      // What the server decides.
      ...['status', 'orgId', 'coordinatorId', 'mentorUserId', 'version', 'state', 'renewals', 'at', 'by'].map(
        (name): [string, object[]] => ['certifications.issue', [{ ...issue, [name]: admin.id }]],
      ),
      [
        'certifications.issue',
        [
          { ...issue, type: 'revoke' },
          { ...issue, policy: {} },
          { ...issue, source: {} },
        ],
      ],
      // The wrong way round, and over already.
      ['certifications.issue', [{ ...issue, issuedAt: expiresAt, expiresAt: issuedAt }]],
      ['certifications.issue', [{ ...issue, issuedAt: expiresAt }]],
      ['certifications.issue', [{ ...issue, issuedAt: clock.at(-days(9)), expiresAt: clock.at(-days(1)) }]],
      ['certifications.renew', [{ ...renew, issuedAt: expiresAt, expiresAt: issuedAt }]],
      ['certifications.renew', [{ ...renew, expiresAt: clock.at(-1) }]],
      ['certifications.renew', [{ ...renew, issuedAt: clock.at(-days(11)) }]],
      ['certifications.renew', over(renew, 'expectedVersion', [0, -1, 1.5, '1', null, {}, [1]])],
      ['certifications.renew', over(renew, 'notes', [null, '', '  ', 5, 'x'.repeat(501), {}])],
      [
        'certifications.correct',
        [
          { id, reason: 'x' },
          { id, certType: 'a' },
          { id, reason: 'x', status: 'valid' },
        ],
      ],
      ['certifications.correct', [{ id, reason: 'x', issuedAt: clock.at(days(300)) }]],
      ['certifications.suspend', over({ id }, 'reason', [...notAText, '', '  ', 'x'.repeat(501)])],
      ['certifications.suspend', [{ id }, { reason: 'x' }, { id, reason: 'x', by: admin.id }]],
      ['certifications.suspend', over({ reason: 'x' }, 'id', ids)],
      ['certifications.reinstate', [{ id, reason: 'x' }, {}]],
      ['mentors.register', [{}, { userId: admin.id }, { userId: admin.id, coordinatorId: 'x' }]],
      ['mentors.reassign', over({ id: mentorId }, 'coordinatorId', ids)],
      ['certifications.get', over({}, 'id', ids)],
      ['certifications.status', over({}, 'mentorId', ids)],
      [
        'certifications.journal',
        over({ id }, 'afterVersion', [null, true, -1, 1.5, '', 'x', [1], {}, { $gt: 0 }]),
      ],
      [
        'certifications.list',
        over({}, 'limit', [null, true, 0, -1, 1.5, 201, 1e9, '', 'x', '0x10', [5], {}]),
      ],
      ['certifications.list', over({}, 'after', [null, 5, '', {}, 'x'.repeat(201)])],
      [
        'certifications.expiring',
        over({}, 'withinDays', [undefined, null, true, -1, 1.5, '', 'x', [5], {}, 4_000]),
      ],
      [
        'subscribe',
        over({}, 'topics', [undefined, null, 'text', [], {}, [null], [5], [{}], ['mentor'], ['*']]),
      ],
      ['subscribe', over({ topics: [`mentor:${mentorId}`] }, 'after', [null, -1, 1.5, '5', {}])],
      ['subscribe', over({ topics: [`mentor:${mentorId}`] }, 'mode', [null, 'all', 1, {}])],
      ['subscribe', over({ topics: [`mentor:${mentorId}`] }, 'epoch', [null, 1, {}, 'x'.repeat(65)])],
      ['subscribe', over({ topics: [`mentor:${mentorId}`] }, 'room', ['x'])],
      [
        'subscribe',
        over(
          {},
          'topics',
          [`mentor:${'-'.repeat(36)}`, `mentor:${mentorId}:admin`, 'each x'].map((topic) => [topic]),
        ),
      ],
      ['subscribe', [{ topics: Array.from({ length: 129 }, () => `mentor:${randomUUID()}`) }]],
      ['unsubscribe', over({}, 'topics', [undefined, null, 'text', [], {}, [null], ['*']])],
      ['session.refresh', over({}, 'token', notAText)],
      ['session.refresh', [{}, { token: 'x'.repeat(4_097) }, { token: 'x', userId: admin.id }]],
    ]
    // Operators of the query builder, where a value is expected.
    const operators = [{ $ne: null }, { $like: '%' }, { $in: [id] }, { $gt: '' }, ['a'], { $or: [{}] }]
    for (const { contract } of actors)
      for (const [name, { input }] of Object.entries(
        contract.queries as Record<string, { input: { shape: object } }>,
      ))
        for (const field of Object.keys(input.shape))
          cases.push([
            `${contract.namespace}.${name}`,
            over({ id, mentorId, withinDays: 5 }, field, operators),
          ])
    return cases.flatMap(([name, payloads]) => payloads.map((payload): [string, object] => [name, payload]))
  }

  it('that are unknown, of another type, or out of range are invalid', PATIENCE, async () => {
    const scene = await aScene()
    const { server, admin } = scene
    const cases = invalidFields(scene)
    // Subscriptions are counted apart, and there are more of them here than one user may make in a minute.
    const client = await connect(server, admin, '/admin')
    const other = await connect(server, await aUser(server, ['admin'], scene.orgId))
    const before = await contentsOf(server)
    for (const [name, payload] of cases) {
      const answer = await (name === 'subscribe' ? other : client).call(name, payload)
      expect([name, payload, answer]).toMatchObject([name, payload, refusal('invalid_input')])
    }
    expect(await contentsOf(server)).toEqual(before)
    expect(await scene.canary.call('certifications.get', { id: scene.certificationId })).toMatchObject({
      ok: true,
      version: 1,
    })
  })

  it('say which one is wrong', PATIENCE, async () => {
    const { client, mentorId } = await aScene()
    const answer = await client.call('certifications.issue', {
      mentorId,
      certType: 'First Aid',
      issuedAt: '2026-01-02T00:00:00Z',
      expiresAt: 'soon',
      status: 'valid',
    })
    expect(answer.error.details).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: ['certType'] }),
        expect.objectContaining({ path: ['expiresAt'] }),
        { path: ['status'], reason: 'is unknown' },
      ]),
    )
  })

  it('take a cursor that nobody gave out for one with nothing behind it', PATIENCE, async () => {
    const { canary, expectUnharmed } = await aScene()
    const cursors = [
      '-'.repeat(36),
      `x_${randomUUID()}`,
      `_${randomUUID()}`,
      `infinity_${randomUUID()}`,
      `9999-99-99T99:99:99.999Z_${randomUUID()}`,
      "'; drop table mentor; --",
      'x',
    ]
    for (const after of cursors) {
      for (const [name, fields] of [
        ['mentors.list', {}],
        ['certifications.list', {}],
        ['certifications.expiring', { withinDays: 3650 }],
      ] as const) {
        const answer = await canary.call(name, { ...fields, after })
        // A UUID alone is a cursor of a list that has no order of its own.
        expect([name, after, answer.ok, answer.data?.items.length ?? 0]).toEqual([name, after, true, 0])
      }
    }
    await expectUnharmed()
  })

  it('read ids in capitals as the same ids', PATIENCE, async () => {
    const { server, canary, mentorId, coordinator, client } = await aScene()
    const issued = await client.call('certifications.issue', {
      id: randomUUID().toUpperCase(),
      mentorId: mentorId.toUpperCase(),
      certType: 'safeguarding',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(100)),
    })
    expect(issued).toMatchObject({ ok: true, data: { mentorId, coordinatorId: coordinator.id } })
    expect(issued.id).toBe(issued.id.toLowerCase())
    const id = issued.id.toUpperCase()
    expect(await client.call('certifications.suspend', { id, reason: 'x' })).toMatchObject({
      ok: true,
      version: 2,
    })
    expect(await canary.call('certifications.list', { mentorId: mentorId.toUpperCase() })).toMatchObject({
      data: { items: [{}, {}] },
    })
  })
})

describe('ids', () => {
  it('of another organisation are as unknown as those of nothing', PATIENCE, async () => {
    const { server, mentorId, certificationId, coordinator } = await aScene()
    const stranger = await aTeam(server)
    const client = stranger.adminClient
    const before = await contentsOf(server)
    const issue = { certType: 'first_aid', issuedAt: server.clock.at(), expiresAt: server.clock.at(days(9)) }
    const pairs: [string, (id: string) => object, string][] = [
      ['certifications.get', (id) => ({ id }), certificationId],
      ['certifications.journal', (id) => ({ id }), certificationId],
      ['certifications.status', (id) => ({ mentorId: id }), mentorId],
      ['certifications.renew', (id) => ({ ...issue, certType: undefined, id }), certificationId],
      ['certifications.suspend', (id) => ({ id, reason: 'x' }), certificationId],
      ['certifications.suspend', (id) => ({ id, reason: 'x', expectedVersion: 9 }), certificationId],
      ['certifications.reinstate', (id) => ({ id }), certificationId],
      ['certifications.revoke', (id) => ({ id, reason: 'x' }), certificationId],
      ['certifications.correct', (id) => ({ id, reason: 'x', certType: 'other' }), certificationId],
      ['certifications.issue', (id) => ({ ...issue, mentorId: id }), mentorId],
      ['mentors.get', (id) => ({ id }), mentorId],
      ['mentors.journal', (id) => ({ id }), mentorId],
      ['mentors.pause', (id) => ({ id, reason: 'x' }), mentorId],
      ['mentors.resume', (id) => ({ id }), mentorId],
      ['mentors.reassign', (id) => ({ id, coordinatorId: stranger.coordinator.id }), mentorId],
      ['mentors.reassign', (id) => ({ id: stranger.mentorId, coordinatorId: id }), coordinator.id],
      ['mentors.register', (id) => ({ userId: id, coordinatorId: stranger.coordinator.id }), coordinator.id],
      ['mentors.register', (id) => ({ userId: stranger.admin.id, coordinatorId: id }), coordinator.id],
    ]
    for (const [name, payload, known] of pairs) {
      const answers = [
        await client.call(name, payload(known)),
        await client.call(name, payload(randomUUID())),
      ]
      expect([name, answers[0]]).toMatchObject([name, refusal('not_found')])
      expect([name, answers[0]]).toEqual([name, answers[1]])
    }
    expect(await contentsOf(server)).toEqual(before)
  })

  it('are taken once, whatever they belong to', PATIENCE, async () => {
    const { server, canary, client, mentorId, certificationId, expectUnharmed } = await aScene()
    const fields = {
      mentorId,
      certType: 'first_aid',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(days(9)),
    }
    for (const id of [certificationId, mentorId])
      for (const commandId of [undefined, randomUUID()])
        expect(
          await client.call('certifications.issue', { id, ...fields, ...(commandId ? { commandId } : {}) }),
        ).toMatchObject(refusal('already_exists'))
    expect(await canary.call('mentors.pause', { id: certificationId, reason: 'x' })).toMatchObject(
      refusal('not_found'),
    )
    await expectUnharmed()
  })
})

describe('ids that only the server gives out', () => {
  it(
    'cannot be chosen by a client, who could keep somebody else’s actor from being made',
    PATIENCE,
    async () => {
      const { server, client, admin, mentorId, expectUnharmed } = await aScene()
      const fields = {
        id: derivedId('purchase', randomUUID(), randomUUID()),
        mentorId,
        certType: 'first_aid',
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(days(9)),
      }
      expect(await client.call('certifications.issue', fields)).toMatchObject({
        error: { code: 'invalid_input', details: [{ path: ['id'] }] },
      })
      const answer = await http(server, admin)('POST', '/api/v1/certifications', { body: fields })
      expect(outcomeOf(answer)).toBe('400 invalid_input')
      await expectUnharmed()
    },
  )
})

describe('a commandId', () => {
  it('is bound to its first payload, its command and its user', PATIENCE, async () => {
    const { server, client, canary, certificationId: id, mentorId } = await aScene()
    const commandId = randomUUID()
    const first = await client.call('certifications.suspend', { id, reason: 'lost', commandId })
    expect(first).toMatchObject({ ok: true, version: 2 })
    const before = await quiet(server)
    // The same again, also in capitals, and after the state has long moved on.
    expect(await client.call('certifications.suspend', { id, reason: 'lost', commandId })).toEqual(first)
    expect(
      await client.call('certifications.suspend', {
        reason: ' lost ',
        commandId: commandId.toUpperCase(),
        id,
      }),
    ).toEqual(first)
    for (const answer of [
      await client.call('certifications.suspend', { id, reason: 'found', commandId }),
      await client.call('certifications.reinstate', { id, commandId }),
      await canary.call('certifications.suspend', { id, reason: 'lost', commandId }),
    ])
      expect(answer).toMatchObject(refusal('command_id_reused'))
    expect(await contentsOf(server)).toEqual(before)
    // An id says something about one actor only.
    expect(await client.call('mentors.pause', { id: mentorId, reason: 'x', commandId })).toMatchObject({
      ok: true,
    })
  })

  it('that made an actor makes no other one', PATIENCE, async () => {
    const { server, client, canary, mentorId } = await aScene()
    const commandId = randomUUID()
    const fields = {
      mentorId,
      certType: 'safeguarding',
      issuedAt: server.clock.at(-days(1)),
      expiresAt: server.clock.at(days(300)),
      commandId,
    }
    const first = await client.call('certifications.issue', fields)
    expect(first).toMatchObject({ ok: true, version: 1 })
    expect(await client.call('certifications.issue', fields)).toEqual(first)
    const before = await quiet(server)
    for (const other of [
      { certType: 'first_aid' },
      { id: randomUUID() },
      { expiresAt: server.clock.at(days(301)) },
    ])
      expect(await client.call('certifications.issue', { ...fields, ...other })).toMatchObject(
        refusal('command_id_reused'),
      )
    expect(await contentsOf(server)).toEqual(before)
    // Another user's command is another command.
    const theirs = await canary.call('certifications.issue', fields)
    expect(theirs).toMatchObject({ ok: true })
    expect(theirs.id).not.toBe(first.id)
  })
})

describe('a flood', () => {
  const MANY = 10_000

  const flood = async ({ server, coordinator, certificationId, canary }: Scene) => {
    const offender = await connect(server, coordinator)
    const codes = new Map<string, number>()
    const answers = Array.from({ length: MANY }, async (_, index) => {
      const name = index % 2 ? 'certifications.suspend' : 'certifications.reinstate'
      const payload = { id: certificationId, ...(index % 2 ? { reason: `number ${index}` } : {}) }
      const { ok, error, retryAfterMs } = await offender.socket.emitWithAck(name, payload)
      const code = ok ? 'done' : error.code
      if (code === 'rate_limited' || code === 'overloaded') expect(retryAfterMs).toBeGreaterThan(0)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    })
    const meanwhile = Array.from({ length: 20 }, () =>
      canary.call('certifications.get', { id: certificationId }),
    )
    for (const answer of await Promise.all(meanwhile)) expect(answer).toMatchObject({ ok: true })
    await Promise.all(answers)
    expect(offender.socket.connected).toBe(true)
    expect([...codes.values()].reduce((sum, count) => sum + count)).toBe(MANY)
    return codes
  }

  it('of one client is limited, and others are served', PATIENCE, async () => {
    const scene = await aScene({ requestsPerMinute: 200 })
    const codes = await flood(scene)
    expect(codes.get('rate_limited')).toBeGreaterThanOrEqual(MANY - 1_000)
    for (const code of codes.keys()) expect(['done', 'rate_limited', 'not_allowed_in_state']).toContain(code)
  })

  it('that the limits let through is answered to the last command', PATIENCE, async () => {
    const codes = await flood(await aScene())
    for (const code of codes.keys()) expect(['done', 'overloaded', 'not_allowed_in_state']).toContain(code)
    expect(codes.get('done')).toBeGreaterThan(0)
  })

  it('of subscriptions and of namespaces stays without effect', PATIENCE, async () => {
    const { server, admin, mentorId, expectUnharmed } = await aScene({ requestsPerMinute: 100 })
    const raw = await signedInRaw(server, admin.token)
    for (let index = 0; index < 1_000; index++)
      raw.send(`40/x${index},${JSON.stringify({ token: admin.token })}`)
    expect(await raw.next('44/x999,')).toBe('44/x999,{"message":"Invalid namespace"}')
    const client = await connect(server, admin)
    const topics = [`mentor:${mentorId}`]
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        client.call(index % 2 ? 'subscribe' : 'unsubscribe', { topics }),
      ),
    )
    for (const answer of answers) expect(answer.ok || answer.error.code === 'rate_limited').toBe(true)
    expect(answers.some(({ ok }) => !ok)).toBe(true)
    await expectUnharmed()
  })
})

describe('the transport', () => {
  it('takes WebSockets of its own pages only', PATIENCE, async () => {
    const server = await aServer({ origins: ['https://console.example'] })
    const { admin } = await aTeam(server)
    const connected = (origin: string) => {
      const socket = io(`${server.url}/live`, {
        transports: ['websocket'],
        auth: { token: admin.token },
        extraHeaders: { origin },
        forceNew: true,
        reconnection: false,
      })
      onTestFinished(() => void socket.disconnect())
      return new Promise((resolve) => {
        socket.once('connect', () => resolve(true))
        socket.once('connect_error', () => resolve(false))
      })
    }
    for (const origin of ['https://console.example', server.url]) expect(await connected(origin)).toBe(true)
    for (const origin of [
      'https://evil.example',
      'https://console.example.evil.example',
      'http://console.example',
      'https://console.example:8443',
      'null',
      'file://',
      server.url.replace('127.0.0.1', 'localhost'),
    ])
      expect([origin, await connected(origin)]).toEqual([origin, false])

    for (const path of [
      '/socket.io/?EIO=4&transport=polling',
      '/socket.io/?EIO=4&transport=polling&sid=x',
      '/socket.io/?EIO=3&transport=websocket',
      '/socket.io/?EIO=4&transport=webtransport',
      '/socket.io/',
    ])
      expect([path, (await fetch(server.url + path)).status]).toEqual([path, 400])
    for (const file of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.js.map'])
      expect((await fetch(`${server.url}/socket.io/${file}`)).status).toBeGreaterThanOrEqual(400)
  })

  it('answers for a forbidden namespace as for one that there is not', PATIENCE, async () => {
    const { server, admin, mentorUser, expectUnharmed } = await aScene()
    for (const { token } of [admin, mentorUser, { token: 'none' }])
      for (const namespace of [
        '/',
        ...(token === admin.token ? [] : ['/admin']),
        '/nowhere',
        '/certification',
        '/live/x',
        '/__proto__',
        '/Live',
      ]) {
        const raw = await rawClient(server)
        raw.send(
          namespace === '/'
            ? `40${JSON.stringify({ token })}`
            : `40${namespace},${JSON.stringify({ token })}`,
        )
        expect(await raw.next('44')).toBe(
          `44${namespace === '/' ? '' : `${namespace},`}{"message":"Invalid namespace"}`,
        )
      }
    await expectUnharmed()
  })
})

describe('anything at all', () => {
  const RUNS = 2_000
  const CONNECTIONS = 4

  /** Frames that are nearly right, and frames that are not. */
  const frame = (ids: readonly string[], names: readonly string[]) => {
    const json = fc.json({ maxDepth: 5 })
    const field = fc.constantFrom(
      'id',
      'mentorId',
      'commandId',
      'expectedVersion',
      'reason',
      'topics',
      'after',
      'limit',
      '__proto__',
      'x',
    )
    const value = fc.oneof(
      fc.constantFrom<unknown>(...ids, null, 0, -1, Infinity, [], {}, '\0', '\ud800', { $ne: null }, ['*']),
      fc.jsonValue({ maxDepth: 3 }),
      fc.string({ unit: 'binary' }),
    )
    const payload = fc.dictionary(field, value).map((fields) => JSON.stringify(fields))
    const name = fc.oneof(fc.constantFrom(...names), fc.string()).map((text) => JSON.stringify(text))
    const call = fc
      .tuple(fc.constantFrom('', '0', '7', '99', '4294967296', '1e3'), name, fc.oneof(payload, json))
      .map(([ack, text, body]) => `42/live,${ack}[${text},${body}]`)
    const mutated = fc
      .tuple(call, fc.nat(), fc.nat({ max: 20 }), fc.string({ unit: 'binary' }))
      .map(([text, at, length, put]) => {
        const start = at % (text.length + 1)
        return text.slice(0, start) + put + text.slice(start + length)
      })
    return fc.oneof(
      { weight: 4, arbitrary: call },
      { weight: 4, arbitrary: mutated },
      fc.string({ unit: 'binary' }),
      fc
        .tuple(
          fc.constantFrom('40', '41', '42', '43', '44', '45', '46', '451-', '2', '3', '6'),
          fc.string(),
          json,
        )
        .map((parts) => parts.join('')),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => new Uint8Array(bytes)),
    )
  }

  it('leaves the server alive and everybody else served', PATIENCE, async () => {
    const scene = await aScene()
    const { server, canary, certificationId, mentorId } = scene
    // Somebody who may know of nothing, so that nothing can be written even by chance.
    const offenders = await Promise.all(Array.from({ length: CONNECTIONS }, () => aUser(server, ['student'])))
    const before = await contentsOf(server)
    const names = actors.flatMap(({ contract }) =>
      [...Object.keys(contract.commands), ...Object.keys(contract.queries)].map(
        (name) => `${contract.namespace}.${name}`,
      ),
    )
    const raws: Raw[] = []
    let turn = 0
    await fc.assert(
      fc.asyncProperty(
        frame(
          [certificationId, mentorId, randomUUID()],
          [...names, 'subscribe', 'unsubscribe', 'session.refresh'],
        ),
        async (text) => {
          const index = turn++ % CONNECTIONS
          if (!raws[index]?.isOpen()) raws[index] = await signedInRaw(server, offenders[index]!.token)
          raws[index].send(text)
          if (turn % 10 === 0)
            expect(await canary.call('certifications.get', { id: certificationId })).toMatchObject({
              ok: true,
              version: 1,
            })
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    )
    expect(turn).toBeGreaterThanOrEqual(RUNS)
    expect(await contentsOf(server)).toEqual(before)
    expect(await canary.call('mentors.list')).toMatchObject({ ok: true, data: { items: [{ id: mentorId }] } })
  })
})
