import type { Content, TDocumentDefinitions } from 'pdfmake/interfaces.js'
import type { CertificateKind } from '../../contracts/certificate.ts'
import { inVisualOrder } from './bidi.ts'
import { fit, type Fitted } from './fit.ts'
import { FOOT, frameOf, GREY, INK, PAPER, ruleOf, TEAL } from './frame.ts'

/** What stands on a certificate. */
export type CertificateFacts = {
  kind: CertificateKind
  number: string
  holderName: string
  title: string
  issuer: string
  issuedAt: string
  expiresAt: string | null
  /** The address that its QR code leads to. */
  link: string
}

/** In landscape, in points. */
export const PAGE_SIZES = { a4: [841.89, 595.28], letter: [792, 612] } as const
export type PageSize = keyof typeof PAGE_SIZES

/** Changes whenever the same facts would look otherwise. */
export const DESIGN = 'guilloche@1'

/** How wide a text is at size 1, in a cut of the fonts. */
export type Ruler = (text: string, script: 'arabic' | 'other', cut: Cut) => number

type Cut = 'regular' | 'bold' | 'italic'

const MARGIN = 84
/** Of its size, from one line to the next: the fonts say 1.36, and Arabic 1.7. */
const LEADING = 1.36

const WORDS: Record<CertificateKind, { heading: string; done: string }> = {
  course_certificate: { heading: 'Certificate of Completion', done: 'has successfully completed the course' },
  track_certificate: {
    heading: 'Certificate of Achievement',
    done: 'has successfully completed the training track',
  },
}

/** The document of one certificate: one page, which looks the same whenever it is made. */
export const certificateDocument = (
  facts: CertificateFacts,
  size: PageSize,
  ruler: Ruler,
): TDocumentDefinitions => {
  const [width, height] = PAGE_SIZES[size]
  const { number, title, issuer, issuedAt, kind } = facts
  return {
    pageSize: { width, height },
    pageMargins: 0,
    version: '1.7',
    language: 'en',
    displayTitle: true,
    info: {
      title: `${WORDS[kind].heading} ${number}`,
      author: issuer,
      subject: title,
      creator: 'Laurel',
      creationDate: new Date(issuedAt),
    },
    defaultStyle: { font: 'Serif', color: INK },
    background: () => ({ canvas: frameOf(width, height) }),
    content: [...wordsOf(facts, width, height, ruler), ...footOf(facts, width, height, ruler)],
  }
}

type Style = { cut?: Cut; color?: string; spacing?: number }

/** One line, set around `x` (or beginning or ending there), with `y` at the upper edge of its box. */
const line = (
  text: string,
  place: { x: number; y: number; size: number; align?: 'left' | 'center' | 'right' },
  ruler: Ruler,
  { cut = 'regular', color = INK, spacing = 0 }: Style = {},
): Content => {
  const { x, y, size, align = 'center' } = place
  const width = widthOf(text, ruler, cut) * size + spacing * text.length
  const left = align === 'left' ? x : align === 'right' ? x - width : x - width / 2
  return {
    text: inVisualOrder(text).map((piece) => ({
      text: piece.text,
      font: piece.script === 'arabic' ? 'Naskh' : 'Serif',
      // There is no slanted Naskh.
      italics: cut === 'italic' && piece.script !== 'arabic',
      bold: cut === 'bold',
      preserveLeadingSpaces: true,
      preserveTrailingSpaces: true,
    })),
    fontSize: size,
    color,
    characterSpacing: spacing,
    noWrap: true,
    absolutePosition: { x: left, y },
  }
}

const widthOf = (text: string, ruler: Ruler, cut: Cut): number =>
  inVisualOrder(text).reduce((sum, piece) => sum + ruler(piece.text, piece.script, cut), 0)

const wordsOf = (facts: CertificateFacts, width: number, height: number, ruler: Ruler): Content[] => {
  const { kind, issuer, holderName, title } = facts
  const room = width - 2 * MARGIN
  const middle = width / 2
  const fitted = (text: string, size: number, breakBelow: number): Fitted =>
    fit(text, { width: room, size, breakBelow, widthOf: (part) => widthOf(part, ruler, 'bold') })
  const organisation = fit(issuer, {
    width: room,
    size: 17,
    breakBelow: 12,
    widthOf: (part) => widthOf(part, ruler, 'bold'),
  })
  const name = fitted(holderName, 40, 24)
  const course = fitted(title, 26, 17)

  const contents: Content[] = []
  let y = 78
  const put = (text: string, size: number, style: Style, after = 0) => {
    contents.push(line(text, { x: middle, y, size }, ruler, style))
    y += size * LEADING + after
  }
  for (const part of organisation.lines) put(part, organisation.size, { cut: 'bold', color: TEAL })
  y += 4
  put(WORDS[kind].heading, 36, { color: INK }, 0)

  // What is left above the foot, shared out above and below the name and the title.
  const used =
    15 * LEADING * 2 + name.lines.length * name.size * LEADING + course.lines.length * course.size * LEADING
  const gap = Math.max(4, (height - FOOT - y - used - 22) / 3)
  y += gap
  put('This is to certify that', 15, { cut: 'italic', color: GREY }, 2)
  for (const part of name.lines) put(part, name.size, { cut: 'bold', color: TEAL })
  y += 4
  contents.push(ruleOf(middle, y))
  y += 8 + gap / 2
  put(WORDS[kind].done, 15, { cut: 'italic', color: GREY }, 2)
  for (const part of course.lines) put(part, course.size, { cut: 'bold' })
  return contents
}

const QR = 86

const footOf = (facts: CertificateFacts, width: number, height: number, ruler: Ruler): Content[] => {
  const { number, issuedAt, expiresAt, link } = facts
  const top = height - FOOT + 14
  const right = width - MARGIN
  const small = { cut: 'italic', color: GREY } as const
  const rows: [string, string][] = [
    ['Certificate number', number],
    ['Issued on', dayOf(issuedAt)],
    ['Valid until', expiresAt === null ? 'without limit' : dayOf(expiresAt)],
  ]
  const host = link.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return [
    {
      qr: link,
      fit: QR,
      eccLevel: 'M',
      foreground: INK,
      background: PAPER,
      absolutePosition: { x: MARGIN, y: top },
    },
    line('Scan to verify, at', { x: MARGIN + QR + 8, y: top + 52, size: 8.5, align: 'left' }, ruler, small),
    line(host, { x: MARGIN + QR + 8, y: top + 64, size: 8.5, align: 'left' }, ruler, { color: GREY }),
    ...rows.flatMap(([label, value], index) => {
      const y = top + index * 31
      return [
        line(label, { x: right, y, size: 8.5, align: 'right' }, ruler, small),
        line(value, { x: right, y: y + 10.5, size: 12, align: 'right' }, ruler, { cut: 'bold' }),
      ]
    }),
  ]
}

/** In words that no country reads otherwise: `28 November 2026`. */
const dayOf = (instant: string): string => DAY.format(new Date(instant))

const DAY = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  timeZone: 'UTC',
})
