import { describe, expect, it, onTestFinished, test } from 'vitest'
import * as fc from 'fast-check'
import type { CertificateView } from '../contracts/certificate.ts'
import { inVisualOrder } from '../src/certificates/bidi.ts'
import type { CertificateFacts, PageSize } from '../src/certificates/design.ts'
import { createCertificateFiles } from '../src/certificates/files.ts'
import { fit } from '../src/certificates/fit.ts'
import { widthIn } from '../src/certificates/fonts.ts'
import { renderCertificate } from '../src/certificates/render.ts'
import { createCertificateRenderer, RendererBusy } from '../src/certificates/renderer.ts'
import { createVerificationLinks } from '../src/credentials/links.ts'

const facts: CertificateFacts = {
  kind: 'course_certificate',
  number: 'CERT-2026-00001',
  holderName: 'Ada Lovelace',
  title: 'First aid at work',
  issuer: 'Laurel Academy',
  issuedAt: '2026-11-28T10:00:00.000Z',
  expiresAt: null,
  link: 'https://laurel.example.org/verify/l/0199d6f0-1111-7abc-8def-0123456789ab.AbCdEfGhIjKlMnOpQrStUv',
}
const textOf = async (change: Partial<CertificateFacts> = {}, size: PageSize = 'a4') =>
  (await renderCertificate({ ...facts, ...change }, size)).toString('latin1')

/** As it stands on paper, with what is turned where it is drawn turned as well. */
const onPaper = (line: string) =>
  inVisualOrder(line)
    .map(({ text }) =>
      /\p{sc=Arabic}|\p{sc=Hebrew}/u.test(text) ? Array.from(text).toReversed().join('') : text,
    )
    .join('')

describe('a line on paper', () => {
  it.each([
    ['Ada Lovelace', 'Ada Lovelace'],
    ['Υπατία 2026', 'Υπατία 2026'],
    ['ابجد هوز', 'زوه دجبا'],
    ['ابجد 123 هوز', 'زوه 123 دجبا'],
    ['ابجد (هوز 2) حطي', 'يطح (2 زوه) دجبا'],
    ['Dr. ابجد هوز Smith', 'Dr. زوه دجبا Smith'],
    ['ابجد Python 3.12 هوز', 'زوه Python 3.12 دجبا'],
    ['Course 2026/27: ابجد', 'Course 2026/27: دجبا'],
    ['ابجد: 2026/27', '2026/27 :دجبا'],
    ['(ابجد)', '(دجبا)'],
    ['ابجد، هوز', 'زوه ،دجبا'],
    ['אבג 42', '42 גבא'],
    ['', ''],
  ])('%s', (line, expected) => expect(onPaper(line)).toBe(expected))

  test('has every letter of it, whatever is mixed', () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('aZé1 .-(ابجدهوز٣،אβЖ')) }), (line) => {
        const sorted = (text: string) => Array.from(text).toSorted().join('')
        const mirrored = (text: string) => text.replaceAll(/[()]/g, '|')
        const drawn = inVisualOrder(line).map(({ text }) => text)
        expect(sorted(mirrored(drawn.join('')))).toBe(sorted(mirrored(line)))
      }),
    ))
})

describe('a text in its room', () => {
  const widthOf = (text: string) => widthIn('serifBold', text)
  const room = { width: 600, size: 40, breakBelow: 24, widthOf }

  it('is as large as it may be while it is short, and one line while that is legible', () => {
    expect(fit('Ada Lovelace', room)).toEqual({ lines: ['Ada Lovelace'], size: 40 })
    expect(fit('Augusta Ada King, Countess of Lovelace', room).lines).toHaveLength(1)
  })

  test('S4.20 is never cut off or too wide, up to 80 letters and beyond', () =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('WMil ŁŒЩжΩ-’')), minLength: 1, maxLength: 80 }),
        (name) => {
          const { lines, size } = fit(name, room)
          expect(lines.length).toBeLessThanOrEqual(2)
          expect(lines.join('').replaceAll(' ', '')).toBe(name.replaceAll(' ', ''))
          for (const line of lines) expect(widthOf(line) * size).toBeLessThanOrEqual(600.001)
          expect(size).toBeGreaterThan(10)
        },
      ),
    ))
})

describe('S4.20 the document', () => {
  it('is one page of its size, titled, with a language, and with its fonts in it', async () => {
    const a4 = await textOf()
    expect(a4.startsWith('%PDF-1.7')).toBe(true)
    expect(a4.match(/\/Type \/Page\b/g)).toHaveLength(1)
    expect(a4).toContain('/MediaBox [0 0 841.89 595.28]')
    expect(a4).toContain('/Lang (en)')
    expect(a4).toContain('/DisplayDocTitle true')
    expect(a4).toMatch(/\/Title \d+ 0 R/)
    expect(a4).toContain('(Certificate of Completion CERT-2026-00001)')
    expect(a4).toContain('(Laurel Academy)')
    expect(a4).toMatch(/\/FontName \/\w+\+NotoSerif-SemiBold/)
    expect(a4).not.toContain('NotoNaskh')
    expect(await textOf({}, 'letter')).toContain('/MediaBox [0 0 792 612]')
  })

  it.each([
    ['Arabic', { holderName: 'محمد بن عبد الله', title: 'الإسعافات الأولية (المستوى 2)' }, 'NotoNaskhArabic'],
    ['Greek', { holderName: 'Υπατία η Αλεξανδρινή', title: 'Πρώτες βοήθειες' }, 'NotoSerif'],
    ['Cyrillic', { holderName: 'Софья Ковалевская', title: 'Первая помощь' }, 'NotoSerif'],
  ])('has %s letters', async (_, change, font) => {
    const file = await textOf(change)
    expect(file).toMatch(new RegExp(`/FontName /\\w+\\+${font}`))
    expect(file.match(/\/Type \/Page\b/g)).toHaveLength(1)
  })

  it('is the same file for the same facts', async () => {
    expect(await textOf()).toBe(await textOf())
    expect(await textOf({ expiresAt: '2028-11-28T10:00:00.000Z' })).not.toBe(await textOf())
  })

  it('takes what a name contains for text, and follows nothing', async () => {
    const holderName = '{"image":"/etc/passwd"} file:///etc/passwd http://127.0.0.1/'
    expect((await textOf({ holderName })).match(/\/Type \/Page\b/g)).toHaveLength(1)
  })
})

describe('the thread that draws', () => {
  const aRenderer = () => {
    const renderer = createCertificateRenderer()
    onTestFinished(renderer.close)
    return renderer
  }

  it('draws what is drawn here, and says when something cannot be drawn', async () => {
    const renderer = aRenderer()
    const file = await renderer.render(facts, 'a4')
    expect(Buffer.from(file).toString('latin1')).toBe(await textOf())
    await expect(renderer.render({ ...facts, issuedAt: 'never' }, 'a4')).rejects.toThrow('could not be drawn')
    expect((await renderer.render(facts, 'letter')).length).toBeGreaterThan(1_000)
  })

  it('refuses what would wait too long, and those who wait hear of its end', async () => {
    const renderer = aRenderer()
    const asked = Array.from({ length: 80 }, () => renderer.render(facts, 'a4'))
    const outcomes = Promise.allSettled(asked)
    await expect(asked[79]).rejects.toBeInstanceOf(RendererBusy)
    await renderer.close()
    const refused = (await outcomes).filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThanOrEqual(16)
    // Another thread takes its place.
    expect((await renderer.render(facts, 'a4')).length).toBeGreaterThan(1_000)
  })
})

describe('files', () => {
  const links = createVerificationLinks({
    keys: [{ id: 'k', key: Buffer.alloc(32, 1) }],
    publicUrl: () => 'https://laurel.example.org',
  })
  const view = { id: 'certificate-1', ...facts } as unknown as CertificateView & { number: string }

  it('are drawn once for each version, size and issuer, and once more after a failure', async () => {
    const drawn: PageSize[] = []
    let fails = true
    const files = createCertificateFiles(
      {
        render: async (_, size) => {
          drawn.push(size)
          if (fails) throw new Error('no')
          return new Uint8Array(1)
        },
      },
      links,
    )
    const file = (version: number, size: PageSize, issuer = 'Laurel') =>
      files.file({ version, view }, issuer, size)
    await expect(file(1, 'a4')).rejects.toThrow('no')
    fails = false
    await Promise.all([
      file(1, 'a4'),
      file(1, 'a4'),
      file(1, 'letter'),
      file(2, 'a4'),
      file(1, 'a4', 'Other'),
    ])
    await file(1, 'a4')
    expect(drawn).toHaveLength(5)
    for (let version = 10; version < 250; version++) await file(version, 'a4')
    expect(drawn).toHaveLength(245)
    await file(1, 'a4')
    expect(drawn).toHaveLength(246)
  })
})
