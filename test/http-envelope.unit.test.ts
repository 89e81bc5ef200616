import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { answerErrors, HttpRefusal, statusOf, success } from '../src/gateway/http-envelope.ts'

const NOW = Date.parse('2026-11-23T09:00:00Z')

const answerTo = async (error: Error) => {
  const app = fastify({ genReqId: () => 'request-1' })
  answerErrors(app, () => NOW)
  app.get('/', () => {
    throw error
  })
  const { statusCode, headers, body } = await app.inject('/')
  return { statusCode, headers, body: JSON.parse(body) }
}

describe('the envelope', () => {
  it('carries data and the time', () => {
    expect(success({ a: 1 }, NOW)).toEqual({
      status: 'success',
      data: { a: 1 },
      timestamp: '2026-11-23T09:00:00.000Z',
    })
  })

  it('says nothing of an unexpected error but where to look for it', async () => {
    for (const error of [
      new Error('select * from user_account'),
      Object.assign(new Error('no such user ada@example.org'), { statusCode: 404, code: '42P01' }),
    ]) {
      const { statusCode, body } = await answerTo(error)
      expect(statusCode).toBe(500)
      expect(body).toEqual({
        status: 'error',
        data: null,
        error: {
          errorCode: 500,
          code: 'internal',
          message: 'Internal error',
          details: { correlationId: 'request-1' },
        },
        timestamp: '2026-11-23T09:00:00.000Z',
      })
    }
  })

  it('tells when to come back, in whole seconds', async () => {
    const refusal = { code: 'rate_limited', message: 'Too many' }
    const { statusCode, headers, body } = await answerTo(new HttpRefusal(refusal, { retryAfterMs: 1_200 }))
    expect([statusCode, headers['retry-after']]).toEqual([429, '2'])
    expect(body.error).toEqual({ errorCode: 429, ...refusal })
  })

  it('tells when to come back when the database is away', async () => {
    for (const error of [
      new Error('timeout exceeded when trying to connect'),
      new Error('Query read timeout'),
      Object.assign(new Error('terminating connection'), { code: '57P01' }),
      new Error('failed', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) }),
    ]) {
      const { statusCode, headers, body } = await answerTo(error)
      expect([statusCode, headers['retry-after'], body.error.code]).toEqual([503, '1', 'overloaded'])
    }
  })

  it.each([
    ['invalid_input', 400],
    ['not_found', 404],
    ['version_conflict', 409],
    ['overloaded', 503],
    ['not_payable', 409],
    ['constructor', 409],
  ])('answers %s with %i', (code, status) => {
    expect(statusOf(code)).toBe(status)
  })

  it('answers a failed If-Match with 412', () => {
    expect(statusOf('version_conflict', { ifMatch: true })).toBe(412)
  })
})
