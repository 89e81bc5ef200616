import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { http, refusal } from './support/http.ts'
import { hears, moneyScene, type Party } from './support/money-scene.ts'

const HOUR_MS = 3_600_000
const scene = moneyScene()
const { anOffering, initiate, aParty } = scene
let payer: Party

beforeEach(() => {
  ;({ payer } = scene.people())
})

describe('A58 whoever tries out cards', () => {
  /** Payments by a saved card that its bank declines. @returns the commands */
  const failures = async (count: number, authorizationId: string) => {
    const commands: object[] = []
    for (let number = 0; number < count; number++) {
      const changes = { method: 'card', authorizationId, commandId: randomUUID() }
      const command = { offeringId: await anOffering(), ...changes }
      const { id } = await payer.live.call('payments.initiate', command)
      await hears(payer, 'payment.failed', id)
      commands.push(command)
    }
    return commands
  }

  const paymentsOf = async () => (await payer.live.call('payments.list', {})).data.items.length

  it('waits after ten payments that failed within an hour; others go on paying', async () => {
    const authorizationId = await scene.aSavedCard('next_declined')
    const [first] = await failures(9, authorizationId)
    const answered = await payer.live.call('payments.initiate', first)
    await failures(1, authorizationId)
    const before = await paymentsOf()

    const offeringId = await anOffering()
    const later = { error: { code: 'rate_limited' }, retryAfterMs: HOUR_MS }
    expect(await initiate(offeringId)).toMatchObject({ ok: false, ...later })
    const request = { userId: payer.id, courseId: offeringId, amount: 5000, method: 'paystack' }
    const overHttp = await http(scene.server(), payer)('POST', '/api/payments/initiate', { body: request })
    expect(overHttp).toMatchObject(refusal(429, 'rate_limited', { retryAfterMs: HOUR_MS }))
    expect(overHttp.headers.get('retry-after')).toBe('3600')
    expect(await paymentsOf()).toBe(before)
    expect(await scene.rows('select id from purchase where offering_id = $1', [offeringId])).toEqual([])
    // What was answered before is answered so again.
    expect(await payer.live.call('payments.initiate', first)).toEqual(answered)

    expect(await initiate(offeringId, await aParty(['student']))).toMatchObject({ ok: true })
    const { body } = await http(scene.server())('GET', '/metrics')
    expect(body.split('\n')).toContain('laurel_events_total{type="payment.failed"} 10')

    await scene.later(HOUR_MS + 60_000)
    ;({ payer } = scene.people())
    expect(await initiate(offeringId, payer)).toMatchObject({ ok: true })
  })
})
