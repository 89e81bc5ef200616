import { describe, expect, it } from 'vitest'
import { PATIENCE, aScene, type Scene } from './support/bad-input-scene.ts'
import { signedInRaw } from './support/raw-client.ts'
import { connect } from './support/server.ts'

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
