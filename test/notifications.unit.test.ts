import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, Language, preferenceContract } from '../contracts/preference.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { linksOf } from '../src/notifications/addresses.ts'
import { isWanted } from '../src/notifications/choices.ts'
import { letterOf, messageOf, pushPayloadOf, type Told } from '../src/notifications/compose.ts'
import { createPushAddresses } from '../src/notifications/push-address.ts'
import { quietUntil } from '../src/notifications/quiet-hours.ts'
import { isPublic } from '../src/public-address.ts'
import { createMessageBox } from '../src/notifications/message-box.ts'
import { createMailer } from '../src/notifications/mail.ts'
import { aMailServer } from './support/mail-server.ts'

const at = '2026-03-01T21:30:00.000Z'

const told = (change: Partial<Told> & { language?: Language; timeZone?: string } = {}): Told => {
  const { language = 'en', timeZone = 'UTC', ...rest } = change
  return {
    topic: 'course.reminder',
    text: 'First aid begins soon.',
    data: { courseTitle: 'First aid', startsAt: '2026-03-02T23:30:00.000Z' },
    createdAt: at,
    settings: { language, timeZone },
    ...rest,
  }
}

describe('S4.17 a message', () => {
  it.each([
    ['en', 'Africa/Lagos', 'Reminder: First aid', 'First aid begins on Tuesday, March 3, 2026 at 12:30 AM.'],
    ['fr', 'Europe/Paris', 'Rappel : First aid', 'First aid commence le mardi 3 mars 2026 à 00:30.'],
    [
      'en',
      'America/New_York',
      'Reminder: First aid',
      'First aid begins on Monday, March 2, 2026 at 6:30 PM.',
    ],
  ] as const)('is in %s, at the time of %s', (language, timeZone, title, line) => {
    const message = messageOf(told({ language, timeZone }))
    expect(message.title).toBe(title)
    // Which kind of space stands in a time is nobody's concern.
    expect(message.lines.map((text) => text.replaceAll(/\s/g, ' '))).toEqual([line])
  })

  it('in Arabic is written from the right, and keeps Latin names together', () => {
    const letter = letterOf(told({ language: 'ar', timeZone: 'Africa/Cairo' }), 'Amina')
    expect(letter.subject).toBe('تذكير: \u2068First aid\u2069')
    expect(letter.html).toContain('<html lang="ar" dir="rtl">')
    expect(letter.text).toContain('مرحبًا Amina،')
  })

  it.each(Language.options)('has a template in %s for each topic that English has one for', (language) => {
    const money = { amountMinor: 450_050, currency: 'NGN' }
    const facts = { courseTitle: 'A', startsAt: at, offeringTitle: 'B', name: 'C', title: 'D', expiresAt: at }
    const data = { ...facts, ...money }
    const topics = [
      'enrollment.welcome',
      'course.reminder',
      'badge.earned',
      'badge.revoked',
      'certificate.issued',
      'certificate.expiring',
      'certificate.expired',
      'certificate.renewed',
      'certificate.suspended',
      'certificate.reinstated',
      'certificate.revoked',
      'enrollment.reminder',
      'enrollment.removed',
      'payment.settled',
      'payment.failed',
      'payment.refundIssued',
      'payment.refundStuck',
      'refund.needsAttention',
    ]
    const titles = topics.map((topic) => messageOf(told({ language, topic, data })).title)
    const news = messageOf(told({ language, topic: 'message' })).title
    expect(new Set([...titles, news]).size).toBe(topics.length + 1)
  })

  it.each(Language.options)('S4.17 says the same in %s of certificates and of certifications', (language) => {
    const data = { title: 'First aid', expiresAt: at }
    for (const what of ['reminderDue', 'expired', 'renewed', 'suspended', 'reinstated', 'revoked']) {
      const [one, other] = ['certificate', 'certification'].map((noun) =>
        messageOf(told({ language, topic: `${noun}.${what}`, data })),
      )
      expect(one).toEqual(other)
      expect(one!.title).toContain('First aid')
    }
  })

  it.each([
    ['en', 450_050, 'NGN', 'NGN 4,500.50'],
    ['en', 1_234_567_89, 'USD', '$1,234,567.89'],
    ['en', 9_999_999_999, 'GHS', 'GHS 99,999,999.99'],
    ['fr', 450_050, 'NGN', '4 500,50 NGN'],
    ['fr', 500_000, 'XOF', '5 000 F CFA'],
    ['fr', 500_050, 'XOF', '5 000,50 F CFA'],
    ['ar', 450_050, 'NGN', '4,500.50 NGN'],
  ] as const)('S4.14 writes in %s %d minor units of %s as %s', (language, amountMinor, currency, written) => {
    const topic = 'payment.settled'
    const { lines } = messageOf(told({ language, topic, data: { amountMinor, currency } }))
    const plain = lines.join(' ').replaceAll(/[\u200e\u200f\u2068\u2069]/g, '')
    expect(plain.replaceAll(/\s/g, ' ')).toContain(written)
  })

  it.each([
    { amountMinor: 1.5, currency: 'NGN' },
    { amountMinor: -1, currency: 'NGN' },
    { amountMinor: 100, currency: 'XXX' },
    { amountMinor: 100, currency: 'toString' },
    { amountMinor: '100', currency: 'NGN' },
    { currency: 'NGN' },
  ])('S4.14 writes no amount that is none: %o', (data) =>
    expect(messageOf(told({ topic: 'payment.settled', data })).lines).toEqual(['First aid begins soon.']),
  )

  it('S4.17 has the addresses that it is given, in both parts, and nothing in them ends them early', () => {
    const url = 'https://laurel.example/verify/l/x.y?a=1&b="2"'
    for (const [language, words] of [
      ['en', 'See and verify it'],
      ['fr', 'Le voir et le vérifier'],
      ['ar', 'اطّلع عليها وتحقق منها'],
    ] as const) {
      const letter = letterOf(told({ language }), 'Ada', [{ kind: 'verify', url }])
      expect(letter.text).toContain(`${words}:\n${url}`)
      expect(letter.html).toContain('href="https://laurel.example/verify/l/x.y?a=1&#38;b=&#34;2&#34;"')
      expect(letter.html).toContain(`>${words}</a>`)
    }
  })

  it.each([
    {},
    { courseTitle: 'First aid' },
    { courseTitle: '', startsAt: at },
    { courseTitle: 'A', startsAt: 'soon' },
  ])('falls back to the text where the facts are missing: %o', (data) => {
    const { title, lines } = messageOf(told({ data }))
    expect({ title, lines }).toEqual({ title: 'You have a new message', lines: ['First aid begins soon.'] })
  })

  it('A43 carries no markup of anybody’s, in HTML', () => {
    const evil = `<img src=x onerror="alert(1)">&'`
    const { html, text } = letterOf(told({ topic: 'message', text: evil }), evil)
    expect(html).not.toContain('<img')
    expect(html.match(/&#60;img src=x onerror=&#34;alert\(1\)&#34;&#62;&#38;&#39;/g)).toHaveLength(2)
    expect(text).toContain(evil)
  })

  it('says its facts by own names only', () => {
    const { title } = messageOf(told({ topic: 'constructor', data: {} }))
    expect(title).toBe('You have a new message')
  })

  it('fits into a push, however long its text is and whatever it is written in', () => {
    for (const text of ['a'.repeat(5_000), '🏅'.repeat(3_000), 'ش'.repeat(3_000)]) {
      const payload = pushPayloadOf(told({ topic: 'message', text }), {
        notificationId: 'n',
        deliveryId: 'd',
      })
      expect(Buffer.byteLength(payload)).toBeLessThan(3_900)
      expect(JSON.parse(payload)).toMatchObject({
        notificationId: 'n',
        deliveryId: 'd',
        lang: 'en',
        dir: 'ltr',
      })
      expect(payload.isWellFormed()).toBe(true)
    }
  })
})

describe('S4.17 the addresses in a letter', () => {
  const links = {
    page: (id: string) => `https://x.example/verify/l/${id}.seal`,
    file: (id: string) => `https://x.example/${id}`,
  }
  const kindsOf = (topic: string, actor: string) =>
    linksOf(links, { topic, subject: { actor, id: 'one' } }).map(({ url }) => url)

  it('are those of the credential that it is about, and of nothing else', () => {
    expect(kindsOf('certificate.issued', 'certificate')).toEqual([links.page('one'), links.file('one')])
    expect(kindsOf('badge.earned', 'badge')).toEqual([
      links.page('one'),
      `${links.page('one')}/credential/png`,
    ])
    for (const topic of ['certificate.suspended', 'certificate.revoked'])
      expect(kindsOf(topic, 'certificate')).toEqual([links.page('one')])
    expect(kindsOf('badge.revoked', 'badge')).toEqual([links.page('one')])
    for (const actor of ['user', 'payment', 'enrollment', 'certification'])
      expect(kindsOf('certificate.issued', actor)).toEqual([])
  })
})

describe('S4.17 a message box', () => {
  const letter = (id: string) => ({
    id,
    to: { name: 'Ada', address: 'ada@example.test' },
    subject: id,
    text: id,
    html: id,
    language: 'en',
  })

  it('keeps the last hundred, the newest first, and what is tried again once', async () => {
    const box = createMessageBox(() => Date.parse(at))
    const { signal } = new AbortController()
    for (let count = 0; count < 150; count += 1) await box.send(letter(`letter ${count}`), signal)
    expect(await box.send(letter('letter 149'), signal)).toEqual({ ok: true })
    const kept = box.messages()
    expect(kept).toHaveLength(100)
    expect(kept[0]).toMatchObject({ id: 'letter 149', at })
    expect(kept.at(-1)).toMatchObject({ id: 'letter 50' })
  })
})

describe('a mailer', () => {
  it('hands over nothing that waited until its attempt had been given up', async () => {
    const server = await aMailServer()
    const mailer = createMailer({ url: server.url, from: { name: 'Laurel', address: 'laurel@example.org' } })
    const attempt = new AbortController()
    const words = { subject: 'Hello', text: 'Hello', html: '<p>Hello</p>', language: 'en' }
    const to = { name: 'Ada', address: 'ada@example.org' }
    const answers = Array.from({ length: 12 }, (_, index) =>
      mailer.send({ id: `letter-${index}`, to, ...words }, attempt.signal),
    )
    attempt.abort()
    const sent = (await Promise.all(answers)).filter(({ ok }) => ok)
    expect(sent.length).toBe(4)
    expect(server.mails.length).toBe(4)
    expect(await answers.at(-1)).toEqual({ ok: false, permanent: false, code: 'timeout' })
    mailer.close()
    await server.close()
  })
})

describe('quiet hours', () => {
  const night = { from: '22:00', to: '07:00' }
  const until = (timeZone: string, now: string, quietHours = night) =>
    quietUntil({ quietHours, timeZone }, Date.parse(now))

  it.each([
    ['UTC', '2026-03-01T21:59:59.999Z', undefined],
    ['UTC', '2026-03-01T22:00:00.000Z', '2026-03-02T07:00:00.000Z'],
    ['UTC', '2026-03-02T06:59:59.999Z', '2026-03-02T07:00:00.000Z'],
    ['UTC', '2026-03-02T07:00:00.000Z', undefined],
    ['Africa/Lagos', '2026-03-01T21:30:00.000Z', '2026-03-02T06:00:00.000Z'],
    ['Asia/Kolkata', '2026-03-01T17:00:00.000Z', '2026-03-02T01:30:00.000Z'],
    // Clocks go forward, and back, at two or three in the night.
    ['Europe/Paris', '2026-03-28T23:00:00.000Z', '2026-03-29T05:00:00.000Z'],
    ['Europe/Paris', '2026-10-24T22:00:00.000Z', '2026-10-25T06:00:00.000Z'],
    ['America/New_York', '2026-11-01T03:00:00.000Z', '2026-11-01T12:00:00.000Z'],
  ])('in %s, at %s, end at %s', (timeZone, now, end) => expect(until(timeZone, now)).toBe(end))

  // The clock on the wall never shows when they end, or only what comes after it.
  it.each([
    ['Europe/Paris', '02:30', '2026-03-28T22:00:00.000Z', '2026-03-29T01:00:00.000Z'],
    ['Europe/Paris', '02:30', '2026-03-29T00:45:10.000Z', '2026-03-29T01:00:00.000Z'],
    ['Europe/Paris', '02:00', '2026-03-29T00:30:00.000Z', '2026-03-29T01:00:00.000Z'],
    ['Africa/Cairo', '00:00', '2026-04-23T21:30:00.000Z', '2026-04-23T22:00:00.000Z'],
    ['Asia/Beirut', '00:00', '2026-03-28T21:30:00.000Z', '2026-03-28T22:00:00.000Z'],
  ])('in %s, until %s, at %s, end at %s', (timeZone, to, now, end) =>
    expect(until(timeZone, now, { from: '22:00', to })).toBe(end),
  )

  it('may be at noon, or not at all', () => {
    const siesta = { from: '13:00', to: '15:30' }
    expect(until('UTC', '2026-03-01T14:15:20.000Z', siesta)).toBe('2026-03-01T15:30:00.000Z')
    expect(until('UTC', '2026-03-01T15:30:00.000Z', siesta)).toBe(undefined)
    expect(quietUntil({ quietHours: null, timeZone: 'UTC' }, Date.parse(at))).toBe(undefined)
  })
})

describe('preferences', () => {
  it('are decided by the topic, then by its noun, then by the channel', () => {
    const settings = {
      ...DEFAULT_SETTINGS,
      push: false,
      topics: { badge: { email: false, push: true }, 'badge.revoked': { email: true } },
    }
    const wanted = (topic: string) => [isWanted(settings, topic, 'email'), isWanted(settings, topic, 'push')]
    expect(wanted('badge.earned')).toEqual([false, true])
    expect(wanted('badge.revoked')).toEqual([true, true])
    expect(wanted('message')).toEqual([true, false])
    expect(wanted('constructor')).toEqual([true, false])
  })

  it.each([
    { language: 'de' },
    { timeZone: 'Mars/Olympus' },
    { timeZone: '+01:00' },
    { timeZone: 'Europe/Paris\r\nBcc: x' },
    { quietHours: { from: '22:00', to: '22:00' } },
    { quietHours: { from: '24:00', to: '07:00' } },
    { quietHours: { from: '22:00' } },
    { topics: { 'no topic': { email: true } } },
    { topics: { badge: { sms: true } } },
    { topics: { badge: { in_app: false } } },
    { userId: '0198c1de-0000-7000-8000-000000000001' },
  ])('refuse %o', (change) =>
    expect(preferenceContract.commands.set.input.safeParse(change).success).toBe(false),
  )
})

describe('the address of a push service', () => {
  const { allowed } = createPushAddresses(false)

  it.each([
    'https://fcm.googleapis.com/fcm/send/abc',
    'https://updates.push.services.mozilla.com/wpush/v2/x',
  ])('may be %s', (endpoint) => expect(allowed(endpoint)).toBe(endpoint))

  it.each([
    'http://fcm.googleapis.com/x',
    'https://user:secret@fcm.googleapis.com/x',
    'https://fcm.googleapis.com:8443/x',
    'https://localhost/x',
    'https://intranet/x',
    'https://metadata.google.internal/x',
    'https://printer.local/x',
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://10.0.0.8/x',
    'https://169.254.169.254/latest/meta-data',
    'https://192.168.1.1/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://[fd00::1]/x',
    'https://[fe80::1]/x',
    'https://[64:ff9b::a00:1]/x',
    'https://[2002:a00:1::]/x',
    'file:///etc/passwd',
    'nonsense',
  ])('A44 is never %s', (endpoint) => expect(allowed(endpoint)).toBe(undefined))

  it('may be this machine only where that is wanted, and nothing else of its network even then', () => {
    const here = createPushAddresses(true)
    expect(here.allowed('http://127.0.0.1:8080/x')).toBe('http://127.0.0.1:8080/x')
    expect(here.allowed('http://10.0.0.8:8080/x')).toBe(undefined)
    expect(here.allowed('https://169.254.169.254/x')).toBe(undefined)
  })

  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['::', false],
    ['::ffff:127.0.0.1', false],
    ['ff02::1', false],
    ['2001:db8::1', false],
  ])('%s is public: %s', (address, verdict) => expect(isPublic(address)).toBe(verdict))

  it('is looked up at the moment of the connection, and only public ones are used', async () => {
    const lookUp = (loopback: boolean) =>
      new Promise((resolve) => {
        createPushAddresses(loopback).lookup('localhost', {}, (error, address) =>
          resolve(error?.code ?? address),
        )
      })
    expect(await lookUp(false)).toBe('ENOTPUBLIC')
    expect(await lookUp(true)).toMatch(/^(?:127\.0\.0\.1|::1)$/)
  })
})

describe('the settings', () => {
  const vapid = {
    LAUREL_VAPID_PUBLIC_KEY: `B${'A'.repeat(86)}`,
    LAUREL_VAPID_PRIVATE_KEY: 'A'.repeat(43),
    LAUREL_VAPID_SUBJECT: 'mailto:operations@example.org',
  }
  const mail = { LAUREL_SMTP_URL: 'smtp://mail.example.org:587', LAUREL_MAIL_FROM: 'Laurel <a@example.org>' }

  it('say whom e-mail comes from, with or without a name', () => {
    expect(readConfig(mail).LAUREL_MAIL_FROM).toEqual({ name: 'Laurel', address: 'a@example.org' })
    expect(readConfig({ ...mail, LAUREL_MAIL_FROM: 'a@example.org' }).LAUREL_MAIL_FROM).toEqual({
      name: '',
      address: 'a@example.org',
    })
  })

  it.each([
    [{ ...mail, LAUREL_MAIL_FROM: undefined }, 'LAUREL_MAIL_FROM: belongs to LAUREL_SMTP_URL'],
    [{ ...mail, LAUREL_SMTP_URL: 'http://mail.example.org' }, 'LAUREL_SMTP_URL: must be smtp://'],
    [{ ...mail, LAUREL_SMTP_URL: 'smtp://mail.example.org?service=x' }, 'LAUREL_SMTP_URL: must be smtp://'],
    [
      { ...mail, LAUREL_MAIL_FROM: 'Laurel <a@example.org>\r\nBcc: b@example.org' },
      'LAUREL_MAIL_FROM: must be',
    ],
    [{ ...vapid, LAUREL_VAPID_SUBJECT: undefined }, 'LAUREL_VAPID_SUBJECT: belongs to'],
    [{ ...vapid, LAUREL_VAPID_PUBLIC_KEY: 'short' }, 'LAUREL_VAPID_PUBLIC_KEY: must be a public key'],
    [
      { ...vapid, NODE_ENV: 'production', LAUREL_TOKEN_SECRET: 'a'.repeat(32) },
      'LAUREL_ENCRYPTION_KEYS: is required',
    ],
  ])('refuse what is of no use: %o', (environment, message) => {
    expect(() => readConfig(environment)).toThrow(ConfigError)
    expect(() => readConfig(environment)).toThrow(message)
  })
})
