import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derivedId } from '../actors/derived-id.ts'
import { PATIENCE, aScene, contentsOf, quiet, refusal } from './support/bad-input-scene.ts'
import { days } from './support/clock.ts'
import { http, outcomeOf } from './support/http.ts'
import { aTeam } from './support/server.ts'

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
