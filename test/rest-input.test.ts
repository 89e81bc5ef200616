import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { outcomeOf, refusal } from './support/http.ts'
import { restScene, type RestScene } from './support/rest-scene.ts'

let asAdmin: RestScene['asAdmin']
let asCoordinator: RestScene['asCoordinator']
let aCertificate: RestScene['aCertificate']
let issue: RestScene['issue']

restScene((scene) => {
  ;({ asAdmin, asCoordinator, aCertificate, issue } = scene)
})

it('unknown routes, methods and commands', async () => {
  const { id } = await issue()
  const path = `/api/v1/certifications/${id}`
  expect(await asAdmin('GET', '/api/v1/nowhere')).toMatchObject(refusal(404, 'not_found'))
  expect(await asAdmin('POST', `${path}/explode`)).toMatchObject(refusal(404, 'not_found'))
  expect(await asAdmin('POST', `${path}/xstate.init`)).toMatchObject(refusal(404, 'not_found'))
  expect(await asAdmin('POST', `${path}/certification.standingChanged`)).toMatchObject(
    refusal(404, 'not_found'),
  )
  const wrong = await asAdmin('PATCH', path, { body: {} })
  expect(wrong).toMatchObject(refusal(405, 'unknown_command'))
  expect(wrong.headers.get('allow')).toBe('PUT, DELETE, GET')
  expect(await asAdmin('GET', `${path}/renew`)).toMatchObject(refusal(405, 'unknown_command'))
})

it('bodies that are too large, malformed, hostile or of the wrong shape', async () => {
  const post = (body: unknown) => asCoordinator('POST', '/api/v1/certifications', { body })
  const certificate = aCertificate()
  expect(await post({ ...certificate, certType: 'x'.repeat(70_000) })).toMatchObject(
    refusal(413, 'payload_too_large'),
  )
  const text = JSON.stringify(certificate)
  for (const body of [
    '{',
    'nonsense',
    '[]',
    'null',
    '"text"',
    `${text.slice(0, -1)},"__proto__":{}}`,
    `${text.slice(0, -1)},"constructor":{"prototype":{}}}`,
    `{"mentorId":${'['.repeat(3000)}`,
    JSON.stringify({ ...certificate, unknown: 1 }),
    JSON.stringify({ ...certificate, certType: 'a\u0000' }),
    JSON.stringify({ ...certificate, commandId: randomUUID() }),
    JSON.stringify({ ...certificate, expectedVersion: 1 }),
  ])
    expect([body, outcomeOf(await post(body))]).toEqual([body, '400 invalid_input'])
  expect(
    await asCoordinator('POST', '/api/v1/certifications', {
      body: 'mentorId=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  ).toMatchObject(refusal(415, 'invalid_input'))
})

it('queries that say something twice, or something unknown', async () => {
  const { id } = await issue()
  for (const path of [
    'mentors?active=true&active=false',
    'mentors?limit=0',
    'mentors?limit=x',
    'mentors?unknown=1',
    'mentors?__proto__=1',
    'mentors?coordinatorId[$ne]=x',
    'certifications/not-a-uuid',
    `certifications/${id}?id=${id}`,
    `certifications/${id}/journal?afterVersion=-1`,
    'certifications/expiring',
  ])
    expect([path, outcomeOf(await asCoordinator('GET', `/api/v1/${path}`))]).toEqual([
      path,
      '400 invalid_input',
    ])
  const path = `/api/v1/certifications/${id}/reinstate`
  expect(await asCoordinator('POST', `${path}?id=${id}`)).toMatchObject(refusal(400, 'invalid_input'))
  expect(await asCoordinator('POST', path, { body: { id } })).toMatchObject(refusal(400, 'invalid_input'))
})

it('tells with a refusal how the actor stands', async () => {
  const { id } = await issue()
  expect(await asCoordinator('POST', `/api/v1/certifications/${id}/reinstate`)).toMatchObject(
    refusal(409, 'not_allowed_in_state', { state: 'valid', version: 1, allowed: ['renew', 'suspend'] }),
  )
})
