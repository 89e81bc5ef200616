import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { certificate } from '../actors/certificate.ts'
import { acceptedTypes } from '../actors/engine/step.ts'
import { CertificateView } from '../contracts/certificate.ts'
import { certificationStatus, daysBefore } from '../contracts/certification-status.ts'
import { yearsAfter } from '../machines/certification-dates.ts'
import { certificateMachine } from '../machines/certificate.ts'
import type { CertificateContext } from '../machines/certificate-steps.ts'
import {
  askForNumber,
  before,
  expiresAt,
  fact,
  input,
  issuedAt,
  notice,
  NUMBER,
  numbered,
  opened,
  refunded,
  reinstate,
  renew,
  renewal,
  revoke,
  setShowName,
  suspend,
  toEnrollment,
  valid,
} from './certificate-messages.ts'
import { given } from './given.ts'

const REFUND = 'what was paid for the course has been given back'

describe('before it has its number', () => {
  it('S3.15 asks the series of its year, tells its enrollment of itself, and nobody else of anything', () =>
    opened.expect({
      state: 'numbering',
      events: [],
      effects: [askForNumber, toEnrollment],
      timers: {},
      context: { status: 'numbering', number: null },
    }))

  it('knows of no enrollment when it is for a track', () =>
    given(certificateMachine, { ...input, enrollmentId: null }).expect({
      state: 'numbering',
      effects: [askForNumber],
    }))

  it('can be neither suspended, nor renewed, nor revoked, nor shown', () =>
    opened
      .when(suspend(issuedAt), revoke(issuedAt), renew(issuedAt), reinstate(issuedAt), setShowName(true))
      .expect({ state: 'numbering', refused: true }))

  it('is suspended with its number when the money went back meanwhile: the series has no hole', () =>
    opened
      .when(refunded())
      .expect({ state: 'numbering', events: [], effects: [] })
      .when(numbered())
      .expect({
        state: 'suspended',
        events: [fact('issued'), fact('suspended', { reason: REFUND })],
        effects: [
          notice('issued', 'notice-issued', 'has been issued'),
          notice('suspended', undefined, 'has been suspended', { reason: REFUND }),
        ],
        timers: {},
      }))
})

describe('with its number', () => {
  it('S4.20 S4.53 is issued and valid, and its holder is told', () =>
    valid.expect({
      state: 'valid',
      events: [fact('issued')],
      effects: [notice('issued', 'notice-issued', 'has been issued')],
      timers: { expiringWindow: before(30), reminder: before(60), expiry: expiresAt },
      context: { number: NUMBER, status: 'valid' },
    }))

  it('takes no second one', () =>
    valid
      .when(numbered('CERT-2026-00002'))
      .expect({ state: 'valid', refused: true, context: { number: NUMBER } }))

  it('U1 stays valid for ever when it does not expire', () =>
    given(certificateMachine, { ...input, expiresAt: null })
      .when(numbered())
      .expect({ state: 'valid', events: [fact('issued', { expiresAt: null })], timers: {} })
      .when(renew(before(1)))
      .expect({ state: 'valid', refused: true }))

  it('is expired from the beginning when it is a record of the past', () =>
    given(certificateMachine, { ...input, at: '2029-01-01T00:00:00.000Z' })
      .when(numbered(NUMBER, '2029-01-01T00:00:00.000Z'))
      .expect({ state: 'expired', events: [fact('issued'), fact('expired')], timers: {} }))

  it('S4.17 S4.53 reminds its holder, and says when it has expired, each once', () => {
    const story = valid.until(expiresAt)
    expect(story.facts).toEqual([
      { at: before(60), event: fact('reminderDue', { daysBefore: 60 }) },
      { at: before(30), event: fact('expiringSoon') },
      { at: before(30), event: fact('reminderDue', { daysBefore: 30 }) },
      { at: before(7), event: fact('reminderDue', { daysBefore: 7 }) },
      { at: expiresAt, event: fact('expired') },
    ])
    expect(story.effects).toEqual([
      ...[60, 30, 7].map((days) =>
        notice('reminderDue', `notice-${days}`, 'expires on 2028-11-28', { daysBefore: days }),
      ),
      notice('expired', undefined, 'has expired'),
    ])
    story.expect({ state: 'expired', events: story.facts.map(({ event }) => event), timers: {} })
  })

  it('C42 shows the name to strangers only while its holder wants that', () =>
    valid
      .when(setShowName(true))
      .expect({ state: 'valid', events: [fact('nameShown')], context: { showName: true } })
      .when(setShowName(true))
      .expect({ state: 'valid', events: [], context: { showName: true } })
      .when(setShowName(false))
      .expect({ state: 'valid', events: [fact('nameHidden')], context: { showName: false } }))
})

describe('renewal', () => {
  const entry = {
    renewedAt: before(10),
    previousIssuedAt: issuedAt,
    previousExpiresAt: expiresAt,
    renewedBy: 'admin-1',
  }

  it('keeps the number, appends the old dates, and reminds anew', () => {
    const renewed = valid.until(before(10)).when(renew(before(10)))
    renewed.expect({
      state: 'valid',
      events: [fact('renewed', { ...renewal, ...entry })],
      effects: [notice('renewed', 'notice-renewed', 'has been renewed until 2030-11-01', {}, renewal)],
      context: { number: NUMBER, ...renewal, renewals: [entry] },
    })
    const ids = renewed.until(renewal.expiresAt).effects.map(({ params }) => (params as { id?: string }).id)
    expect(ids).toEqual(['again-60', 'again-30', 'again-7', undefined])
  })

  it.each([
    ['expires in the past', { issuedAt, expiresAt: before(11) }, 'expiresAt'],
    ['is issued before the present one', { issuedAt: '2026-11-27T00:00:00.000Z', expiresAt }, 'issuedAt'],
  ])('is refused when it %s', (_, dates, field) => {
    const command = renew(before(10), dates)
    const story = valid.when(command).expect({ state: 'valid', refused: true })
    expect(certificate.explain?.renew?.(story.snapshot as never, command)).toMatchObject({
      code: 'invalid_input',
      details: [{ path: [field] }],
    })
  })

  it('says why what does not expire cannot be renewed', () => {
    const story = given(certificateMachine, { ...input, expiresAt: null }).when(numbered())
    expect(certificate.explain?.renew?.(story.snapshot as never, renew(before(10)))).toMatchObject({
      code: 'invalid_input',
      message: 'expiresAt: this one does not expire',
    })
  })
})

describe('suspension and revocation', () => {
  it('a full refund of its enrollment suspends it, and an administrator may lift that', () =>
    valid
      .when(refunded(before(50)))
      .expect({
        state: 'suspended',
        events: [fact('suspended', { reason: REFUND })],
        effects: [notice('suspended', undefined, 'has been suspended', { reason: REFUND })],
        timers: {},
      })
      .when(reinstate(before(20)))
      .expect({
        state: 'expiringSoon',
        events: [fact('reinstated'), fact('expiringSoon')],
        effects: [notice('reinstated', 'notice-reinstated', 'has been reinstated')],
        timers: { reminder: before(7), expiry: expiresAt },
      }))

  it('a refund is told to whoever would reinstate what is suspended for another reason', () =>
    valid
      .when(suspend(before(50)))
      .when(refunded(before(40)))
      .expect({
        state: 'suspended',
        events: [fact('suspended', { reason: REFUND })],
        effects: [notice('suspended', undefined, 'has been suspended', { reason: REFUND })],
        context: { suspendedReason: REFUND, since: before(50) },
        timers: {},
      }))

  it('a refund changes nothing about what is revoked', () =>
    valid
      .when(revoke(before(50)))
      .when(refunded(before(40)))
      .expect({ state: 'revoked', refused: true }))

  it('what had expired before it was suspended has expired when it is reinstated, of which the holder knows', () =>
    valid
      .until(expiresAt)
      .when(suspend(expiresAt))
      .when(reinstate(expiresAt))
      .expect({
        state: 'expired',
        events: [fact('reinstated'), fact('expired')],
        effects: [notice('reinstated', 'notice-reinstated', 'has been reinstated')],
        timers: {},
      }))

  it('what expires while it is suspended is told to the holder when it is reinstated', () =>
    valid
      .when(suspend(before(50)))
      .when(reinstate(expiresAt))
      .expect({
        state: 'expired',
        events: [fact('reinstated'), fact('expired')],
        effects: [
          notice('reinstated', 'notice-reinstated', 'has been reinstated'),
          notice('expired', undefined, 'has expired'),
        ],
        timers: {},
      }))

  it('is revoked for good', () =>
    valid
      .when(revoke(before(50)))
      .expect({
        state: 'revoked',
        events: [fact('revoked', { reason: 'fraud' })],
        effects: [notice('revoked', 'notice-revoked', 'has been revoked', { reason: 'fraud' })],
        timers: {},
      })
      .when(renew(before(40)), suspend(before(40)), reinstate(before(40)), revoke(before(40)))
      .expect({ state: 'revoked', refused: true }))
})

describe('C32 whoever asks for it once more', () => {
  it('finds it in every state but when it is revoked', () => {
    const stories = {
      numbering: opened,
      valid,
      expiringSoon: valid.until(before(20)),
      expired: valid.until(expiresAt),
      suspended: valid.when(suspend(before(50))),
      revoked: valid.when(revoke(before(50))),
    }
    for (const [state, { snapshot }] of Object.entries(stories)) {
      expect(snapshot.value).toBe(state)
      expect([state, acceptedTypes(snapshot).has('issue')]).toEqual([state, state !== 'revoked'])
    }
  })
})

describe('whatever the order', () => {
  const instant = fc.integer({ min: 1, max: 2_000 }).map((day) => daysBefore(issuedAt, -day))
  const message = fc.oneof(
    fc.record({ issuedAt: instant, expiresAt: instant }).map((dates) => renew(issuedAt, dates)),
    fc.constantFrom(
      suspend(issuedAt),
      reinstate(issuedAt),
      refunded(),
      numbered('CERT-2026-99999'),
      setShowName(true),
    ),
  )
  const life = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 200 }), isLate: fc.boolean(), message }),
    {
      maxLength: 15,
    },
  )

  test('it keeps its number, and stands where its dates and decisions say', () =>
    fc.assert(
      fc.property(life, (chapters) => {
        let story = valid
        let now = issuedAt
        for (const { wait, isLate, message: sent } of chapters) {
          now = daysBefore(now, -wait)
          if (!isLate) story = story.until(now)
          story = story.when({ ...sent, at: now })
          const context = story.snapshot.context as CertificateContext
          expect(context.number).toBe(NUMBER)
          if (isLate) continue
          const { status, policy } = context
          expect(status).toBe(certificationStatus(context, policy, now))
          expect(story.snapshot.value).toBe(status === 'expiring_soon' ? 'expiringSoon' : status)
        }
      }),
    ))
})

test('every state can be reached', () => {
  const timer = (name: string, state: string, at: string) =>
    ({ type: `xstate.after.${name}.certificate@1.${state}`, at }) as never
  const paths = getShortestPaths(certificateMachine, {
    input,
    events: [
      numbered(),
      suspend(issuedAt),
      revoke(issuedAt),
      timer('expiringWindow', 'valid', before(30)),
      timer('expiry', 'expiringSoon', expiresAt),
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const reached = new Set(paths.map(({ state }) => state.value))
  const resting = Object.keys(certificateMachine.states).filter((name) => name !== 'settling')
  expect(reached).toEqual(new Set(resting))
})

test('S3.16 U1 two years later is the same day, or the last one of February', () => {
  expect(yearsAfter('2026-11-28T10:00:00.000Z', 2)).toBe('2028-11-28T10:00:00.000Z')
  expect(yearsAfter('2028-02-29T23:59:59.999Z', 2)).toBe('2030-02-28T23:59:59.999Z')
  expect(yearsAfter('2026-02-28T00:00:00.000Z', 2)).toBe('2028-02-28T00:00:00.000Z')
})

test('the view holds what the contract promises, and no more', () => {
  for (const { snapshot } of [opened, opened.when(refunded()), valid, valid.when(revoke(before(9)))]) {
    const view = certificate.view(snapshot as never, 'certificate-1')
    expect(CertificateView.keyof().options).toEqual(expect.arrayContaining(Object.keys(view)))
    expect(view).not.toHaveProperty(snapshot.value === 'numbering' ? 'suspendedReason' : 'notices')
  }
})
