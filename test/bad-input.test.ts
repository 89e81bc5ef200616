import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { PATIENCE, aScene, ackOf, contentsOf, refusal } from './support/bad-input-scene.ts'
import { signedInRaw, type Raw } from './support/raw-client.ts'
import { aUser, connect } from './support/server.ts'

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

describe('anything at all', () => {
  const RUNS = 2_000
  const CONNECTIONS = 4

  /** What everybody may say with no field at all. */
  const OF_ONES_OWN = new Set(['inboxes.readAll', 'preferences.set'])

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
    // Somebody who may know of nothing, so that nothing but what is their own can be written even by chance.
    const offenders = await Promise.all(Array.from({ length: CONNECTIONS }, () => aUser(server, ['student'])))
    const before = await contentsOf(server)
    const names = actors.flatMap(({ contract }) =>
      [...Object.keys(contract.commands), ...Object.keys(contract.queries)].map(
        (name) => `${contract.namespace}.${name}`,
      ),
    )
    const others = names.filter((name) => !OF_ONES_OWN.has(name))
    const raws: Raw[] = []
    let turn = 0
    await fc.assert(
      fc.asyncProperty(
        frame(
          [certificationId, mentorId, randomUUID()],
          [...others, 'subscribe', 'unsubscribe', 'session.refresh'],
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
