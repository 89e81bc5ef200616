import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCardNumber, maskCardNumbers } from '../contracts/card-numbers.ts'
import { disputeContract } from '../contracts/dispute.ts'
import { paymentContract } from '../contracts/payment.ts'
import { refundContract } from '../contracts/refund.ts'
import { Note } from '../contracts/scalars.ts'
import { redact, redactText } from '../machines/redact.ts'
import { isCardFault, refusePayload } from '../src/gateway/guard.ts'
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

const [CARD] = CARDS as [string]
const KIBIBYTES_64 = 64 * 1024
const MEBIBYTE = 1024 * 1024

const inGroups = (digits: string, separator: string) => digits.replaceAll(/\d{4}(?=\d)/g, `$&${separator}`)

describe('keys', () => {
  it('are searched for cards, but not for ever', () => {
    expect(hasCardData({ [CARD]: 1 })).toBe(true)
    expect(hasCardData({ [`about ${inGroups(CARD, ' ')}`]: 1 })).toBe(true)
    expect(hasCardData({ ['a long name '.repeat(2_000)]: 1 })).toBe(false)
    const ids = Object.fromEntries(Array.from({ length: 100 }, () => [crypto.randomUUID(), 1]))
    expect(hasCardData(ids)).toBe(false)
    // Nobody has so many digits in names: what they are is not looked at.
    expect(hasCardData({ ['3 '.repeat(8_192)]: 1 })).toBe(true)
  })
})

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

  it('are masked whatever stands between their groups', () => {
    for (const card of CARDS)
      for (const separator of ['  ', ' - ', '.', '/', ',', '_', '\r\n', ', ', '\u200b', ' \u200b', '\ufeff'])
        expect(maskCardNumbers(`(${inGroups(card, separator)})`)).toBe(`([card …${card.slice(-4)}])`)
    for (const written of [
      '4084 0840-8408 4081',
      '4084_0840/8408\r\n4081',
      '4084\u00a00840 - 8408,4081',
      CARD.split('').join('\u200b'),
      CARD.split('').join(' '),
      '40840840 84084081',
      '+4084 0840 8408 4081',
    ])
      expect(maskCardNumbers(written).replace('+', '')).toBe('[card …4081]')
    for (const written of ['3782 822463 10005', '3782.822463-10005', '378282246310005'])
      for (const before of ['', '+']) expect(maskCardNumbers(before + written)).toBe(`${before}[card …0005]`)
  })

  it('are masked with the expiry date and the code that follow, also in one piece with them', () => {
    for (const behind of ['0130408', ' 0130 408', ' 01/30 408', ', 1/2030, 408', '/408', '\r\n408'])
      expect(maskCardNumbers(`${CARD}${behind} x`)).toBe('[card …4081] x')
    expect(maskCardNumbers('37828224631000501301234')).toBe('[card …0005]')
    expect(maskCardNumbers(`5060666666666666666${CARD}`)).toBe('[card …6666][card …4081]')
    expect(maskCardNumbers(`${CARD} ${CARD}0130408 12`)).toBe('[card …4081] [card …4081] 12')
  })

  it('are masked behind letters, and behind what looks like the start of something else', () => {
    for (const before of ['face', 'No12 ', 'GB29 ', 'type_', '01980000-0000-7000-8000-000000000001 ', '12/'])
      expect(maskCardNumbers(before + CARD)).toBe(`${before}[card …4081]`)
  })

  it.each([
    ['security code 408', 'security code …'],
    ['the Security-Code is: 408.', 'the Security-Code is: ….'],
    ['cvv (408)', 'cvv (…)'],
    ['cvv, 408', 'cvv, …'],
    ['my_cvc2 = [408]', 'my_cvc2 = […]'],
    ['{"cvv": "408"}', '{"cvv": "…"}'],
    ['PIN – 1111', 'PIN – …'],
  ])('are masked with what is called a code: %s', (text, masked) =>
    expect(maskCardNumbers(text)).toBe(masked),
  )

  it('are told from other digits', () => {
    for (const text of [
      'GB29 NWBK 6016 1331 9268 19',
      'GB29NWBK60161331926819 and DE89 3704 0044 0532 0130 00, 500',
      '500, 40840840-8408-4081-8408-408408408408/4084',
      'refund_12/tx_40840840840840814084084084084081, 4084',
      '2, 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      '08031234567, 08051234567 / 0803 123 4567, 0805 123 4567',
      '+2348031234567, +234 805 123 4567',
      '31.12.2026 30.11.2026, 31/12/2026 - 30/11/2026',
      '2026, 2027, 2028, 2029',
      '2026-11-23 18:29:19.123, 2026-11-23T18:29:19.123+01:00',
      'NGN 4,084,084.00, 4,084,084.50 / 5,000.00',
      '4084.084084084081',
      '\u200b4084\u200d 12',
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

  it('are found among any other text', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...CARDS), fc.string(), (before, card, after) => {
        const masked = maskCardNumbers(`${before} ${card}. ${after}`)
        expect(masked).not.toContain(card)
        expect(maskCardNumbers(masked)).toBe(masked)
      }),
    )
  })

  // What takes more than linear time does not come back from a mebibyte.
  it.each([
    ['4', 0],
    [' ', 0],
    ['\u200b', 0],
    ['a', 0],
    ['f4', 0],
    ['A1', 0],
    ['0-', 0],
    ['4,', 0],
    ['4 .', 0],
    ['4084 1', 0],
    ['cvv ', 0],
    ['pin', 0],
    ['tx_', 0],
    [`${CARD}; `, 1],
    [`${CARD} `, 1],
    [CARD, 1],
    ['4084  0840 - 8408.4081\r\n', 1],
    [`${CARD.split('').join('\u200b')} `, 1],
  ])('are all found among 64 KiB of %j, and of more', (hostile, cards) => {
    for (const length of [KIBIBYTES_64, MEBIBYTE]) {
      const times = Math.floor(length / hostile.length)
      const masked = maskCardNumbers(hostile.repeat(times))
      expect(masked.split('[card …4081]').length - 1).toBe(cards * times)
      if (cards === 0) expect(masked).toBe(hostile.repeat(times))
    }
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

describe('fields that are kept as they are', () => {
  const { submitBankDetails } = refundContract.commands
  const { submitEvidence } = disputeContract.commands
  const { initiate } = paymentContract.commands
  const offeringId = '01980000-0000-7000-8000-000000000001'
  const bank = { accountNumber: '0690000031', bankId: '9' }
  const evidence = {
    customerEmail: 'holder@example.test',
    customerName: 'Ada Obi',
    customerPhone: '+2348012345678',
    serviceDetails: 'The course was attended',
  }
  const payment = { offeringId, method: 'card', email: 'payer@example.test' }

  it('refuse the number of a card', () => {
    const taken = [
      ...[...CARDS, `${CARD}0130`].map((accountNumber) =>
        submitBankDetails.input.safeParse({ ...bank, accountNumber }),
      ),
      ...[CARD, '+378282246310005', '4084 0840 8408 4081'].map((customerPhone) =>
        submitEvidence.input.safeParse({ ...evidence, customerPhone }),
      ),
      submitEvidence.input.safeParse({ ...evidence, customerName: `Ada ${CARD}` }),
      submitEvidence.input.safeParse({ ...evidence, customerEmail: `${CARD}@example.test` }),
      initiate.input.safeParse({ ...payment, email: `ada.${CARD}@example.test` }),
    ]
    for (const { error } of taken) expect(error && isCardFault(error)).toBe(true)
  })

  it('take everything else', () => {
    for (const accountNumber of ['0690000031', '4084084084', '5060666666', '40840840840', '4084084084084082'])
      expect(submitBankDetails.input.safeParse({ ...bank, accountNumber }).success).toBe(true)
    for (const customerPhone of ['+2348012345678', '08012345678', '0801 234 5678', '2348031234564'])
      expect(submitEvidence.input.safeParse({ ...evidence, customerPhone }).success).toBe(true)
    expect(initiate.input.safeParse(payment).success).toBe(true)
  })
})

describe('what operators are shown', () => {
  it('has no e-mail address, however many words without one there are', () => {
    expect(redactText('to <ada.obi@mail.example.test>, or a@b@c.test')).toBe('to <[hidden]>, or a@[hidden]')
    for (const hostile of ['a', 'a.', '@', 'a@', 'a@.', 'a@b.1'])
      for (const length of [KIBIBYTES_64, MEBIBYTE]) {
        const text = hostile.repeat(length / hostile.length)
        expect(redactText(text)).toBe(text)
      }
    const many = redactText('ada@example.test '.repeat(10_000))
    expect(many.split('[hidden]')).toHaveLength(10_001)
  })

  it('says which saved card was charged, and nothing that could charge it', () => {
    const authorizationId = '01980000-0000-7000-8000-000000000001'
    const shown = { authorizationId, authorization_id: authorizationId }
    expect(redact(shown)).toEqual(shown)
    expect(redact({ authorizationId: 'AUTH_8dfhjjdt' })).toEqual({ authorizationId: '[hidden]' })
    for (const name of ['authorization', 'Authorization', 'authorizationCode', 'authorizationIdCode'])
      expect(redact({ [name]: 'x' })).toEqual({ [name]: '[hidden]' })
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
          type: 'xstate.after.expiry.certification@1.active',
          effect: 'payment:0192a5c4-0000-7000-8000-000000000001@12.0',
          reason: 'no mail to <Ada.Obi+x@mail.example.test> or a_b@163.com',
        },
        `sent Bearer ${TOKEN} for 4084-0840-8408-4081 with AUTH_abcdef1234 and sk_test_0123456789`,
      ),
    )
    expect(first).toMatchObject({
      user: { password: '[removed]' },
      database: 'postgres://laurel:[removed]@db:5432/laurel',
      code: 'ECONNRESET',
      type: 'xstate.after.expiry.certification@1.active',
      effect: 'payment:0192a5c4-0000-7000-8000-000000000001@12.0',
      reason: 'no mail to <[removed]> or [removed]',
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
