import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCardNumber, maskCardNumbers } from '../contracts/card-numbers.ts'
import { Note } from '../contracts/scalars.ts'
import { refusePayload } from '../src/gateway/guard.ts'
import { hasCardData } from '../src/redaction.ts'
import { createLogger } from '../src/terminal-log.ts'

/** Paystack's test cards. */
const CARDS = [
  '4084084084084081',
  '507850785078507812',
  '5060666666666666666',
  '507850785078507804',
  '5192602720584796',
  '4084080000005408',
  '507850785078507853',
  '4084080000670037',
  '4084080000671803',
  '4084080000671902',
  '378282246310005',
  '30569309025904',
]

const inGroups = (digits: string, separator: string) => digits.replaceAll(/\d{4}(?=\d)/g, `$&${separator}`)

describe('numbers of cards in texts', () => {
  it('are masked however they are written, and wherever they stand', () => {
    for (const card of CARDS) {
      const masked = `[card …${card.slice(-4)}]`
      for (const written of [card, ...[' ', '-', '\u00a0', '\u2013'].map((one) => inGroups(card, one))]) {
        expect(maskCardNumbers(written)).toBe(masked)
        expect(maskCardNumbers(`Card ${written}.`)).toBe(`Card ${masked}.`)
        expect(maskCardNumbers(`{"pan":"${written}","x":${written}}`)).not.toContain(written)
        expect(maskCardNumbers(`no.${written}\n${written}`)).toBe(`no.${masked}\n${masked}`)
        expect(maskCardNumbers(`2 of ${written}`)).not.toContain(written)
      }
    }
  })

  it('are masked behind other numbers, with the code that follows them', () => {
    expect(maskCardNumbers('50 4084084084084081 408')).toBe('50 [card …4081]')
    expect(maskCardNumbers('4084 0840 8408 4081 408, thanks')).toBe('[card …4081], thanks')
    expect(maskCardNumbers('card4084084084084081 cvv: 408, PIN 1111 and the otp is 123456')).toBe(
      'card[card …4081] cvv: …, PIN … and the otp is …',
    )
    expect(maskCardNumbers('CVC2=081 security')).toBe('CVC2=… security')
  })

  it('are told from other digits', () => {
    for (const text of [
      '4084084084084082',
      '12345678901234567890123',
      '1234084084084084081',
      '40840840-8408-4081-8408-408408408408',
      'tx_40840840840840814084084084084081',
      '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      '2026-11-23 2026-11-24 2026-11-25',
      '2026-11-23T18:29:19.123Z',
      '+234 803 123 4567',
      '2348031234564',
      '1795458559123',
      'PIN code 110001',
      'spin 1234',
      'pinned at 1234 metres',
    ])
      expect([text, maskCardNumbers(text)]).toEqual([text, text])
  })

  it('are found among any other text, in no time', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...CARDS), fc.string(), (before, card, after) => {
        const masked = maskCardNumbers(`${before} ${card}. ${after}`)
        expect(masked).not.toContain(card)
        expect(maskCardNumbers(masked)).toBe(masked)
      }),
    )
    for (const hostile of ['4 ', '4084 ', '0-', 'cvv ', 'a', 'pin', '4084084084084081 '])
      maskCardNumbers(hostile.repeat(20_000))
  })

  it('never get into a note', () => {
    expect(Note.parse(' paid with 4084 0840 8408 4081, cvv 408 ')).toBe('paid with [card …4081], cvv …')
    expect(Note.safeParse('4084084084084081'.repeat(40)).success).toBe(false)
    expect(hasCardNumber('first_aid')).toBe(false)
  })
})

describe('payloads with card data', () => {
  const number = '4084084084084081'
  const refused: object[] = [
    { cardDetails: {} },
    { card_details: { number } },
    { card: { number, cvv: '408' } },
    { card: { number, exp_month: '1', exp_year: '30' } },
    { Card: { Number: number, expiryDate: '12/30' } },
    { items: [{ a: { cardNumber: number } }] },
    ...['card_number', 'CARD-NUMBER', 'pan', 'PAN', 'cvv', 'CVV2', 'cvc', 'securityCode', 'pin', 'otp'].map(
      (key) => ({ reason: 'x', [key]: '' }),
    ),
    { [number]: 1 },
    { [`my ${number}`]: 1 },
  ]

  it('are refused by the names of their keys, and nothing of them comes back', () => {
    for (const payload of refused) {
      expect([payload, hasCardData(payload)]).toEqual([payload, true])
      const refusal = refusePayload(payload)
      expect(refusal).toMatchObject({ ok: false, error: { code: 'pan_not_accepted' } })
      expect(JSON.stringify(refusal)).not.toMatch(/4084|cvv|details/i)
    }
  })

  it('are told from others', () => {
    for (const payload of [
      null,
      undefined,
      'pan',
      { shipping: { number: '12' }, company: 'pan', spin: 1, pinned: true, optional: 1, topping: 1 },
      { accountNumber: '0123456789', bankId: '12', currency: 'NGN' },
      { number: 7, code: 'x' },
      Buffer.from('{"pan":1}'),
    ])
      expect([payload, hasCardData(payload)]).toEqual([payload, false])
    let deep: object = {}
    for (let level = 0; level < 20_000; level++) deep = { deep }
    expect(hasCardData(deep)).toBe(false)
  })
})

describe('the log', () => {
  const TOKEN = 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
  const SECRETS = [
    TOKEN,
    'hunter2secret',
    'sk_test_0123456789',
    'AUTH_abcdef1234',
    'dGhlIHJlZnJlc2g',
    '4084084084084081',
  ]

  const logged = (write: (logger: ReturnType<typeof createLogger>) => void) => {
    const lines: string[] = []
    write(createLogger('trace', process.stdout, { write: (line) => void lines.push(line) }))
    const text = lines.join('')
    for (const secret of SECRETS) expect(text).not.toContain(secret)
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('has neither secrets nor card data, wherever they come from', () => {
    const [first] = logged((logger) =>
      logger.info(
        {
          headers: { authorization: `Bearer ${TOKEN}`, 'x-paystack-signature': 'sk_test_0123456789' },
          user: { password: 'hunter2secret', tokens: { refreshToken: 'dGhlIHJlZnJlc2g' } },
          list: [{ authorization_code: 'AUTH_abcdef1234' }],
          database: 'postgres://laurel:hunter2secret@db:5432/laurel',
          number: 4084084084084081,
          code: 'ECONNRESET',
        },
        `sent Bearer ${TOKEN} for 4084-0840-8408-4081 with AUTH_abcdef1234 and sk_test_0123456789`,
      ),
    )
    expect(first).toMatchObject({
      user: { password: '[removed]' },
      database: 'postgres://laurel:[removed]@db:5432/laurel',
      code: 'ECONNRESET',
      msg: 'sent Bearer [removed] for [card …4081] with [removed] and [removed]',
    })
  })

  it('says of an error where it comes from, and nothing that a library has hung on it', () => {
    const cause = new Error('answered 401 to Bearer hunter2secret')
    const error = Object.assign(new TypeError('cannot call 4084084084084081', { cause }), {
      code: 'E_CALL',
      config: { headers: { authorization: `Bearer ${TOKEN}` } },
      rawPacket: Buffer.from(TOKEN),
      request: { body: 'hunter2secret' },
    })
    const [line] = logged((logger) => logger.child({ reqId: '7' }).error({ err: error }, 'failed'))
    expect(line).toMatchObject({
      reqId: '7',
      err: { type: 'TypeError', code: 'E_CALL', message: expect.stringContaining('answered 401') as unknown },
    })
    expect(Object.keys(line!['err'] as object).toSorted()).toEqual(['code', 'message', 'stack', 'type'])
    logged((logger) => logger.error(new Error(`no ${TOKEN}`)))
    logged((logger) => logger.error({ err: 'sk_test_0123456789' }))
    logged((logger) => logger.error({ err: null }))
  })
})
