import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { done } from './support/catalog-scene.ts'
import { certificateScene } from './support/certificate-scene.ts'
import { http } from './support/http.ts'
import type { Party } from './support/money-scene.ts'

const scene = certificateScene()
const { completed, issued, stands, PRICE } = scene
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ admin, payer: learner } = scene.people())
})

const as = (person: { token: string }) => http(scene.server(), person)

const generate = (courseId: unknown, fields: object = {}, person: Party = learner, headers = {}) =>
  as(person)('POST', '/api/certificates/generate', {
    body: { courseId, userId: person.id, ...fields },
    headers,
  })

type Asking = { method?: string; headers?: Record<string, string> }

const download = async (id: string, query = '', person: Party = learner, asking: Asking = {}) => {
  const response = await fetch(`${scene.server().url}/api/certificates/${id}/download${query}`, {
    ...asking,
    headers: { authorization: `Bearer ${person.token}`, ...asking.headers },
  })
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  }
}

describe('POST /api/certificates/generate', () => {
  it('S4.18 C32 certifies what was completed and paid for: 201 at first, 200 afterwards, the same one', async () => {
    const { offeringId } = await completed({ price: PRICE })
    const first = await generate(offeringId)
    const { certificateId } = first.body.data
    const certificateUrl = `${scene.server().url}/api/certificates/${certificateId}/download`
    expect(first).toMatchObject({
      status: 201,
      body: {
        status: 'success',
        data: { certificateId, certificateUrl, message: 'Certificate generated successfully' },
      },
    })
    expect(first.headers.get('location')).toBe(`/api/certificates/${certificateId}`)
    await stands(certificateId, 'valid')
    const second = await generate(offeringId)
    expect(second).toMatchObject({ status: 200, body: { data: { certificateId, certificateUrl } } })
    // Administrators find it as well.
    expect(await generate(offeringId, { userId: learner.id }, admin)).toMatchObject({
      status: 200,
      body: { data: { certificateId } },
    })
  })

  it('S4.18 the same request again gets the first answer', async () => {
    const { offeringId } = await completed()
    const key = { 'idempotency-key': randomUUID() }
    const first = await generate(offeringId, {}, learner, key)
    expect(first.status).toBe(201)
    expect(await generate(offeringId, {}, learner, key)).toMatchObject({
      status: 201,
      body: { data: first.body.data },
    })
  })

  it.each([
    ['a course that was not completed', () => ({ courseId: randomUUID() }), 400, 'incomplete_course'],
    ['a malformed course', () => ({ courseId: 'first aid' }), 400, 'invalid_input'],
    ['no user', () => ({ userId: undefined }), 400, 'invalid_input'],
    ['an unknown field', () => ({ number: 'CERT-2026-00001' }), 400, 'invalid_input'],
    ['somebody else (C29)', () => ({ userId: admin.id }), 403, 'forbidden'],
  ])('S4.18 refuses %s, and writes nothing', async (_, fields, status, code) => {
    const { offeringId } = await completed()
    const refused = await generate(offeringId, fields())
    expect(refused).toMatchObject({ status, body: { status: 'error', error: { errorCode: status, code } } })
    if (status === 400) expect(refused.body.error.message).toBe('Invalid input data or incomplete course')
    expect((await done(learner.live, 'certificates.list', {})).data.items).toEqual([])
  })

  it('S4.18 wants a sign-in', async () => {
    const body = { courseId: randomUUID(), userId: learner.id }
    expect(await http(scene.server())('POST', '/api/certificates/generate', { body })).toMatchObject({
      status: 401,
    })
  })
})

describe('GET /api/certificates/{id}', () => {
  it('S4.36 S3.17 U1 is the record with the addresses of its file and of its verification', async () => {
    const { offeringId } = await completed()
    const { id, number, issuedAt, title } = await issued(offeringId)
    const { status, body } = await as(learner)('GET', `/api/certificates/${id}`)
    const { url } = scene.server()
    expect({ status, data: body.data }).toEqual({
      status: 200,
      data: {
        certificateId: id,
        userId: learner.id,
        courseId: offeringId,
        kind: 'course_certificate',
        title,
        status: 'valid',
        certificateUrl: `${url}/api/certificates/${id}/download`,
        issueDate: issuedAt,
        expiryDate: null,
        uniqueId: number,
        verificationUrl: `${url}/verify/${number}`,
        shareUrl: expect.stringMatching(new RegExp(`^${url}/verify/l/${id}\\.[\\w-]{22}$`)) as unknown,
      },
    })
    // S4.36: VARCHAR(50).
    expect(number!.length).toBeLessThanOrEqual(50)
    const stranger = await scene.aParty(['student'])
    expect(await as(stranger)('GET', `/api/certificates/${id}`)).toMatchObject({ status: 404 })
  })

  it('C49 has the secret link for the holder and administrators only', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    const helper = await scene.aParty(['csm'])
    const linkFor = async (person: Party) =>
      (await as(person)('GET', `/api/certificates/${id}`)).body.data.shareUrl
    const link = await linkFor(learner)
    expect(link).toContain('/verify/l/')
    expect([await linkFor(admin), await linkFor(helper)]).toEqual([link, null])
  })
})

describe('GET /api/certificates/{id}/download', () => {
  it('S4.19 S4.20 is a PDF file, which is drawn once as long as nothing about it changes', async () => {
    const { offeringId } = await completed({ title: 'Первая помощь' })
    const { id } = await issued(offeringId)
    const first = await download(id)
    expect(first.status).toBe(200)
    expect(first.headers.get('content-type')).toBe('application/pdf')
    expect(first.headers.get('content-disposition')).toBe('attachment; filename=certificate.pdf')
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    expect(Number(first.headers.get('content-length'))).toBe(first.bytes.length)
    expect(first.bytes.subarray(0, 8).toString('latin1')).toBe('%PDF-1.7')
    expect(first.bytes.subarray(-6).toString('latin1')).toContain('%%EOF')
    expect((await download(id)).bytes.equals(first.bytes)).toBe(true)
    const letter = await download(id, '?size=Letter')
    expect(letter.status).toBe(200)
    expect(letter.bytes.equals(first.bytes)).toBe(false)
    expect((await download(id, '?size=a4')).bytes.equals(first.bytes)).toBe(true)
  })

  it('S4.19 is not sent again to whoever has it, unless something about it has changed', async () => {
    const trackId = randomUUID()
    const wish = { trackId, title: 'Track', userId: learner.id, expiresAt: '2031-01-01T00:00:00.000Z' }
    const { id } = await done(admin.live, 'certificates.issue', wish)
    await stands(id, 'valid')
    const first = await download(id)
    const etag = first.headers.get('etag')!
    const having = (tag: string) => ({ headers: { 'if-none-match': tag } })
    for (const tag of [etag, etag.replace('W/', ''), `"other", ${etag}`, '*']) {
      const known = await download(id, '', learner, having(tag))
      expect([tag, known.status, known.bytes.length]).toEqual([tag, 304, 0])
      expect(known.headers.get('etag')).toBe(etag)
    }
    expect(await download(id, '?size=letter', learner, having(etag))).toMatchObject({ status: 200 })
    const stranger = await scene.aParty(['student'])
    expect(await download(id, '', stranger, having(etag))).toMatchObject({ status: 404 })
    const dates = { issuedAt: scene.server().clock.at(), expiresAt: '2032-01-01T00:00:00.000Z' }
    await done(admin.live, 'certificates.renew', { id, ...dates })
    const renewed = await download(id, '', learner, having(etag))
    expect(renewed.status).toBe(200)
    expect(renewed.headers.get('etag')).not.toBe(etag)
    // Having it does not make it stand.
    await done(admin.live, 'certificates.suspend', { id, reason: 'looked at' })
    const suspended = await download(id, '', learner, having(renewed.headers.get('etag')!))
    expect(suspended.status).toBe(409)
    expect(suspended.headers.get('cache-control')).toBe('no-store')
  })

  it('S4.19 says as much without the file, when only that is asked for', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    const told = await download(id, '', learner, { method: 'HEAD' })
    const whole = await download(id)
    expect([told.status, told.bytes.length]).toEqual([200, 0])
    for (const name of ['content-type', 'content-length', 'content-disposition', 'etag', 'cache-control'])
      expect([name, told.headers.get(name)]).toEqual([name, whole.headers.get(name)])
  })

  it('S4.19 ends with whoever hangs up in the middle, and goes on for everybody else', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    const whole = await download(id)
    const headers = { authorization: `Bearer ${learner.token}` }
    for (let count = 0; count < 20; count += 1) {
      const gone = new AbortController()
      const url = `${scene.server().url}/api/certificates/${id}/download`
      const { body } = await fetch(url, { headers, signal: gone.signal })
      const { value } = await body!.getReader().read()
      expect(value!.length).toBeGreaterThan(0)
      gone.abort()
    }
    const everybody = await Promise.all(Array.from({ length: 10 }, () => download(id)))
    for (const { bytes } of everybody) expect(bytes.equals(whole.bytes)).toBe(true)
  })

  it('S4.19 C49 is 404 for what is not there and for those who may not see it', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    const stranger = await scene.aParty(['student'])
    expect(await download(randomUUID())).toMatchObject({ status: 404 })
    expect(await download(id, '', stranger)).toMatchObject({ status: 404 })
    expect(await download(id, '', admin)).toMatchObject({ status: 200 })
    const nobody = await http(scene.server())('GET', `/api/certificates/${id}/download`)
    expect(nobody.status).toBe(401)
  })

  it('is a disclosure when somebody else has it, which its holder can see', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    const disclosures = async () => {
      const { body } = await as(learner)('GET', `/api/v1/credentials/${id}/disclosures`)
      return body.data.items
    }
    await download(id)
    expect(await disclosures()).toEqual([])
    const { headers } = await download(id, '', admin)
    await download(id, '', admin, { headers: { 'if-none-match': headers.get('etag')! } })
    const seen = { means: 'download', nameShown: true, userId: admin.id, viewer: null }
    expect(await disclosures()).toMatchObject([seen, seen])
  })

  it('S4.19 refuses other sizes, other parameters and malformed ids', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    for (const query of ['?size=A3', '?size=', '?size=__proto__', '?page=1', '?size=A4&size=A4'])
      expect([query, (await download(id, query)).status]).toEqual([query, 400])
    expect(await download('certificate')).toMatchObject({ status: 400 })
  })

  it('what is suspended or revoked is no document', async () => {
    const { offeringId } = await completed()
    const { id } = await issued(offeringId)
    await done(admin.live, 'certificates.suspend', { id, reason: 'looked at' })
    const suspended = await as(learner)('GET', `/api/certificates/${id}/download`)
    expect(suspended).toMatchObject({ status: 409, body: { error: { code: 'not_allowed_in_state' } } })
    await done(admin.live, 'certificates.reinstate', { id })
    expect(await download(id)).toMatchObject({ status: 200 })
    await done(admin.live, 'certificates.revoke', { id, reason: 'fraud' })
    expect(await download(id)).toMatchObject({ status: 409 })
  })
})
