import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, done } from './support/catalog-scene.ts'
import { certificateScene } from './support/certificate-scene.ts'
import { days } from './support/clock.ts'
import { heard, hears, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = certificateScene()
const { completed, stands, issued, PRICE } = scene
let orgId: string
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ orgId, admin, payer: learner } = scene.people())
})

const issue = ({ live }: Pick<Party, 'live'>, fields: object) => live.call('certificates.issue', fields)

describe('issuing', () => {
  it('S3.15 S4.20 a completed course is certified, with a number, and everybody hears of it', async () => {
    const { offeringId, enrollmentId } = await completed({ title: 'First aid at work' })
    const reply = await issue(learner, { offeringId })
    expect(reply).toMatchObject({
      ok: true,
      version: 1,
      state: 'numbering',
      data: { number: null },
      allowed: [],
    })
    const event = await hears(learner, 'certificate.issued', reply.id)
    expect(event.data).toMatchObject({ holderId: learner.id, title: 'First aid at work' })
    expect((event.data as { number: string }).number).toMatch(/^CERT-\d{4}-\d{5,}$/)
    await hears(admin, 'certificate.issued', reply.id)
    expect(await stands(reply.id, 'valid')).toMatchObject({
      kind: 'course_certificate',
      holderId: learner.id,
      offeringId,
      enrollmentId,
      title: 'First aid at work',
      expiresAt: null,
      showName: false,
    })
    // S4.53: the holder is told, wherever the holder is.
    await vi.waitFor(async () => {
      const { data } = await done(learner.live, 'notifications.list', { topic: 'certificate.issued' })
      expect(data.items).toHaveLength(1)
      expect(data.items[0].view.subject).toEqual({ actor: 'certificate', id: reply.id })
    }, PATIENCE)
  })

  it('no name stands in any event of it', async () => {
    const { offeringId } = await completed()
    const { id, holderName } = await issued(offeringId)
    await done(admin.live, 'certificates.suspend', { id, reason: 'looked at' })
    const { data } = await done(admin.live, 'certificates.journal', { id })
    const events = JSON.stringify(data.items.map(({ events: facts }: { events: unknown }) => facts))
    expect(holderName).not.toBe('')
    expect(events).not.toContain(holderName)
  })

  it('S4.18 what is not completed, not paid for, or another one’s is not certified, and nothing is written', async () => {
    const offeringId = await scene.aCourse()
    const [moduleId] = await scene.modulesOf(offeringId, 'The only one')
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('incomplete_course')
    const { id } = await scene.begun(offeringId)
    await done(learner.live, 'enrollments.recordProgress', { id, moduleId, progress: 0.9999 })
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('incomplete_course')
    const other = await completed({}, await scene.aParty(['student']))
    for (const [fields, code] of [
      [{ offeringId: other.offeringId }, 'incomplete_course'],
      [{ offeringId: randomUUID() }, 'incomplete_course'],
      [{ offeringId, userId: admin.id }, 'forbidden'],
      [{ offeringId, issuedAt: scene.server().clock.at(-days(1)) }, 'forbidden'],
      [{ offeringId, expiresAt: scene.server().clock.at(days(1)) }, 'forbidden'],
      [{ trackId: randomUUID(), title: 'A track' }, 'forbidden'],
      [{}, 'invalid_input'],
      [{ offeringId, trackId: randomUUID(), title: 'Both' }, 'invalid_input'],
      [{ trackId: randomUUID() }, 'invalid_input'],
      [{ offeringId, title: 'A title of my own' }, 'invalid_input'],
      [{ offeringId, number: 'CERT-2026-00001' }, 'invalid_input'],
      [{ offeringId: 'first aid' }, 'invalid_input'],
    ] as const)
      expect([fields, await codeOf(learner.live, 'certificates.issue', fields)]).toEqual([fields, code])
    expect(await scene.rows(`select id from certificate where holder_id = $1`, [learner.id])).toEqual([])
  })

  it('C32 asking again finds the same one, from many sides at once', async () => {
    const { offeringId } = await completed()
    const asked = Array.from({ length: 8 }, (_, index) =>
      issue(index % 2 ? admin : learner, { offeringId, ...(index % 2 ? { userId: learner.id } : {}) }),
    )
    const replies = await Promise.all(asked)
    for (const reply of replies) expect(reply).toMatchObject({ ok: true })
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1)
    const [{ id }] = replies
    await stands(id, 'valid')
    expect(await issue(learner, { offeringId })).toMatchObject({ ok: true, id, data: { status: 'valid' } })
    const numbers = await scene.rows(`select number from certificate where holder_id = $1`, [learner.id])
    expect(numbers).toHaveLength(1)
    await scene.quiet()
    expect(typesOf(heard(learner, id)).filter((type) => type === 'certificate.issued')).toHaveLength(1)
  })

  it('C32 the same command again gets the first answer, also after a revocation', async () => {
    const { offeringId } = await completed()
    const command = { offeringId, commandId: randomUUID() }
    const first = await issue(learner, command)
    await stands(first.id, 'valid')
    const found = { offeringId, commandId: randomUUID() }
    expect(await issue(learner, found)).toMatchObject({ ok: true, id: first.id, data: { status: 'valid' } })
    await done(admin.live, 'certificates.revoke', { id: first.id, reason: 'fraud' })
    expect(await issue(learner, command)).toEqual(first)
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('certificate_revoked')
  })

  it('C10 what was revoked is issued again by an administrator, under another number', async () => {
    const { offeringId } = await completed()
    const first = await issued(offeringId)
    await done(admin.live, 'certificates.revoke', { id: first.id, reason: 'a mistake' })
    const again = await issue(admin, { offeringId, userId: learner.id })
    expect(again).toMatchObject({ ok: true, version: 1 })
    expect(again.id).not.toBe(first.id)
    const second = await stands(again.id, 'valid')
    expect(second.number).not.toBe(first.number)
    expect(await stands(first.id, 'revoked')).toMatchObject({
      number: first.number,
      revokedReason: 'a mistake',
    })
  })

  it('an administrator who learns is a learner: what others revoked stays revoked', async () => {
    const { offeringId } = await completed({}, admin)
    const { id } = await issued(offeringId, admin)
    const other = await scene.aParty(['admin'])
    expect(await codeOf(admin.live, 'certificates.revoke', { id, reason: 'x' })).toBe('forbidden')
    await done(other.live, 'certificates.revoke', { id, reason: 'fraud' })
    expect(await codeOf(admin.live, 'certificates.issue', { offeringId })).toBe('certificate_revoked')
    const dated = { offeringId, expiresAt: scene.server().clock.at(days(1)) }
    expect(await codeOf(admin.live, 'certificates.issue', dated)).toBe('forbidden')
  })

  it('S3.16 U1 the certificate of a track is good for two years, and an administrator vouches for it', async () => {
    const { clock } = scene.server()
    const trackId = randomUUID()
    const issuedAt = '2024-02-29T12:00:00.000Z'
    const wish = { trackId, title: 'Mentoring', userId: learner.id, issuedAt }
    const { id } = await done(admin.live, 'certificates.issue', wish)
    expect(await stands(id, 'expired')).toMatchObject({
      kind: 'track_certificate',
      trackId,
      offeringId: null,
      number: expect.stringMatching(/^CERT-2024-/) as unknown,
      expiresAt: '2026-02-28T12:00:00.000Z',
    })
    expect(await issue(admin, wish)).toMatchObject({ ok: true, id })
    for (const [fields, code] of [
      [{ userId: admin.id }, 'forbidden'],
      [{ userId: randomUUID() }, 'not_found'],
      [{ issuedAt: clock.at(days(1)) }, 'invalid_input'],
      [{ expiresAt: issuedAt }, 'invalid_input'],
    ] as const) {
      const asked = { ...wish, trackId: randomUUID(), ...fields }
      expect([fields, await codeOf(admin.live, 'certificates.issue', asked)]).toEqual([fields, code])
    }
  })
})

describe('a certificate', () => {
  it('U1 is renewed, suspended, reinstated and revoked by administrators, and never by its holder', async () => {
    const { clock } = scene.server()
    const { offeringId } = await completed()
    const { id } = await done(admin.live, 'certificates.issue', {
      offeringId,
      userId: learner.id,
      expiresAt: clock.at(days(20)),
    })
    const { issuedAt, number } = await stands(id, 'expiring_soon')
    const dates = { issuedAt: clock.at(), expiresAt: clock.at(days(400)) }
    for (const [name, fields] of [
      ['renew', dates],
      ['suspend', { reason: 'no' }],
      ['reinstate', {}],
      ['revoke', { reason: 'no' }],
    ] as const)
      expect(await codeOf(learner.live, `certificates.${name}`, { id, ...fields })).toBe('forbidden')
    await done(admin.live, 'certificates.renew', { id, ...dates, notes: 'refreshed' })
    expect(await stands(id, 'valid')).toMatchObject({
      number,
      ...dates,
      renewals: [{ previousIssuedAt: issuedAt, renewedBy: admin.id, notes: 'refreshed' }],
    })
    await done(admin.live, 'certificates.suspend', { id, reason: 'looked at' })
    expect(await stands(id, 'suspended')).toMatchObject({ suspendedReason: 'looked at' })
    await done(admin.live, 'certificates.reinstate', { id })
    await stands(id, 'valid')
    await done(admin.live, 'certificates.revoke', { id, reason: 'fraud' })
    for (const name of ['reinstate', 'renew', 'suspend', 'revoke'])
      expect(
        await codeOf(admin.live, `certificates.${name}`, {
          id,
          ...(name === 'renew' ? dates : name === 'reinstate' ? {} : { reason: 'x' }),
        }),
      ).toBe('not_allowed_in_state')
    await scene.quiet()
    expect(typesOf(heard(learner, id))).toEqual([
      'certificate.issued',
      'certificate.expiringSoon',
      'certificate.renewed',
      'certificate.suspended',
      'certificate.reinstated',
      'certificate.revoked',
    ])
    const { data } = await done(learner.live, 'notifications.list', {})
    const topics = data.items.map(({ view }: { view: { topic: string } }) => view.topic)
    expect(topics.filter((topic: string) => topic.startsWith('certificate.')).toSorted()).toEqual([
      'certificate.issued',
      'certificate.reinstated',
      'certificate.renewed',
      'certificate.revoked',
      'certificate.suspended',
    ])
  })

  it('C42 shows the name to strangers only while its holder says so', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    expect(await codeOf(admin.live, 'certificates.setShowName', { id, showName: true })).toBe('forbidden')
    for (const showName of [true, true, false])
      expect(await done(learner.live, 'certificates.setShowName', { id, showName })).toMatchObject({
        data: { showName },
      })
    const changes = typesOf(heard(learner, id)).filter((type) => type.startsWith('certificate.name'))
    expect(changes).toEqual(['certificate.nameShown', 'certificate.nameHidden'])
  })

  it('C49 is there for its holder, whoever teaches the course, and operators; for others it does not exist', async () => {
    const { offeringId } = await completed()
    const { id, number } = await issued(offeringId)
    const csm = await scene.aParty(['csm'])
    const strangers = [await scene.aParty(['student']), await scene.aParty(['instructor', 'coordinator'])]
    for (const { call } of [learner.live, admin.live, csm.live, scene.tutor()]) {
      expect(await call('certificates.get', { id })).toMatchObject({ ok: true, data: { number } })
      const { data } = await call('certificates.list', { offeringId })
      expect(data.items).toHaveLength(1)
    }
    for (const { live } of strangers) {
      for (const name of ['get', 'journal'])
        expect(await codeOf(live, `certificates.${name}`, { id })).toBe('not_found')
      expect((await done(live, 'certificates.list', {})).data.items).toEqual([])
    }
    const byNumber = await done(admin.live, 'certificates.list', { number })
    expect(byNumber.data.items.map((item: { id: string }) => item.id)).toEqual([id])
  })

  it('expires on its own, after a restart as well', async () => {
    const { clock } = scene.server()
    const wish = { trackId: randomUUID(), title: 'Mentoring', userId: learner.id }
    const { id } = await done(admin.live, 'certificates.issue', { ...wish, expiresAt: clock.at(days(40)) })
    await stands(id, 'valid')
    await scene.restart()
    await scene.later(days(41))
    await stands(id, 'expired', scene.people().payer)
    await scene.quiet()
    expect(typesOf(heard(scene.people().payer, id))).toEqual(
      expect.arrayContaining(['certificate.expiringSoon', 'certificate.reminderDue', 'certificate.expired']),
    )
  })
})

describe('what was paid for a completed course goes back', () => {
  const refund = async (paymentId: string) =>
    done(admin.live, 'payments.requestRefund', { id: paymentId, full: true, reason: 'not as described' })

  it('STATECHARTS 2.2 suspends the certificate, and an administrator decides what becomes of it', async () => {
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    const { id } = await issued(offeringId)
    await refund(paymentId)
    await scene.becomes(enrollmentId, 'refunded')
    const { suspendedReason } = await stands(id, 'suspended')
    expect(suspendedReason).toBe('what was paid for the course has been given back')
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('incomplete_course')
    await done(admin.live, 'certificates.revoke', { id, reason: 'the money went back' })
    await stands(id, 'revoked')

    // C10: whoever pays for it and completes it once more has earned another one.
    const [moduleId] = (await done(learner.live, 'enrollments.get', { id: enrollmentId })).data.modules.map(
      (module: { moduleId: string }) => module.moduleId,
    )
    const again = await scene.begun(offeringId)
    await done(learner.live, 'enrollments.recordProgress', { id: again.id, moduleId, progress: 1 })
    await scene.becomes(again.id, 'completed')
    const second = await issued(offeringId)
    expect(second).toMatchObject({ status: 'valid', enrollmentId: again.id })
    expect(second.id).not.toBe(id)
  })

  it('suspends what the first enrollment earned when the money of a later one goes back', async () => {
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    const { id } = await issued(offeringId)
    const { modules } = (await done(learner.live, 'enrollments.get', { id: enrollmentId })).data
    await refund(paymentId)
    await stands(id, 'suspended')
    const again = await scene.begun(offeringId)
    const { moduleId } = modules[0]
    await done(learner.live, 'enrollments.recordProgress', { id: again.id, moduleId, progress: 1 })
    await scene.becomes(again.id, 'completed')
    await done(admin.live, 'certificates.reinstate', { id })
    expect((await done(learner.live, 'certificates.issue', { offeringId })).id).toBe(id)
    await stands(id, 'valid')
    await refund(again.paymentId)
    await stands(id, 'suspended')
  })

  it('is told to whoever would lift a suspension that had another reason', async () => {
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    const { id } = await issued(offeringId)
    await done(admin.live, 'certificates.suspend', { id, reason: 'a complaint' })
    await refund(paymentId)
    await scene.becomes(enrollmentId, 'refunded')
    await vi.waitFor(async () => {
      const { data } = await done(admin.live, 'certificates.get', { id })
      expect(data.suspendedReason).toBe('what was paid for the course has been given back')
    }, PATIENCE)
  })

  it('S4.18 leaves nothing to certify, also where the organisation lets people stay', async () => {
    await scene.rows(
      `update organisation set settings = settings || '{"keepsAccessAfterRefund": true}' where id = $1`,
      [orgId],
    )
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    await refund(paymentId)
    await scene.reaches('payments', paymentId, 'refunded', learner)
    await scene.quiet()
    await scene.becomes(enrollmentId, 'completed')
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('incomplete_course')
  })

  it('S4.18 before it was certified, there is nothing to certify', async () => {
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    await refund(paymentId)
    await scene.becomes(enrollmentId, 'refunded')
    expect(await codeOf(learner.live, 'certificates.issue', { offeringId })).toBe('incomplete_course')
  })

  it('at the very moment of issuing: the certificate ends up suspended, or there is none', async () => {
    const { offeringId, paymentId, enrollmentId } = await completed({ price: PRICE })
    const [reply] = await Promise.all([issue(learner, { offeringId }), refund(paymentId)])
    await scene.becomes(enrollmentId, 'refunded')
    if (reply.ok) await stands(reply.id, 'suspended')
    else expect(reply.error.code).toBe('incomplete_course')
    expect(orgId).toBeDefined()
  })
})
