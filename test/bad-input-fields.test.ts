import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { PATIENCE, aScene, contentsOf, refusal, type Scene } from './support/bad-input-scene.ts'
import { days } from './support/clock.ts'
import { aUser, connect } from './support/server.ts'

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
