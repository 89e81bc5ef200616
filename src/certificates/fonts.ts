import fs from 'node:fs'
import { createRequire } from 'node:module'
import pdfmake from 'pdfmake'

/** As much of fontkit as is used here. */
type Font = { unitsPerEm: number; layout: (text: string) => { advanceWidth: number } }
type Fontkit = {
  create: (file: Uint8Array) => Font
  registerFormat: (format: { probe: (file: Uint8Array) => boolean; new (stream: Stream): object }) => void
}
type Stream = { buffer: Uint8Array }

// The very copy that pdfmake draws with, which is the one for `require`.
const require = createRequire(import.meta.url)
const fontkit = require('fontkit') as Fontkit

/**
 * Noto Serif has Latin, Greek and Cyrillic letters, Noto Naskh Arabic those of Arabic, Persian, Urdu and their relatives.
 * Both are under the SIL Open Font License 1.1, which allows to embed them in documents.
 */
const FILES = {
  serif: '@expo-google-fonts/noto-serif/400Regular/NotoSerif_400Regular.ttf',
  serifBold: '@expo-google-fonts/noto-serif/600SemiBold/NotoSerif_600SemiBold.ttf',
  serifItalic: '@expo-google-fonts/noto-serif/400Regular_Italic/NotoSerif_400Regular_Italic.ttf',
  naskh: '@expo-google-fonts/noto-naskh-arabic/400Regular/NotoNaskhArabic_400Regular.ttf',
  naskhBold: '@expo-google-fonts/noto-naskh-arabic/600SemiBold/NotoNaskhArabic_600SemiBold.ttf',
} as const

export type FontName = keyof typeof FILES

const isName = (text: string): text is FontName => Object.hasOwn(FILES, text)

const opened = new Map<FontName, Font>()

const open = (name: FontName): Font => {
  let font = opened.get(name)
  if (!font) opened.set(name, (font = fontkit.create(fs.readFileSync(require.resolve(FILES[name])))))
  return font
}

/** How wide a text is at size 1. */
export const widthIn = (name: FontName, text: string): number => {
  const font = open(name)
  return font.layout(text).advanceWidth / font.unitsPerEm
}

const MARK = 'laurel font:'

const markedName = (file: Uint8Array): FontName | undefined => {
  const text = Buffer.from(file.subarray(0, 64)).toString('latin1')
  const name = text.startsWith(MARK) ? text.slice(MARK.length) : ''
  return isName(name) ? name : undefined
}

/**
 * Lets pdfmake draw with these fonts, opened once. It would open them for each document, which takes longer than
 * everything else, so it gets files that only name a font, and fontkit a format that finds the one that is open.
 */
export const useFonts = (): void => {
  fontkit.registerFormat(
    class {
      static probe(file: Uint8Array) {
        return markedName(file) !== undefined
      }
      constructor({ buffer }: Stream) {
        return open(markedName(buffer)!)
      }
    },
  )
  // Its types know its files of the browser only.
  const { virtualfs } = pdfmake as unknown as { virtualfs: Pick<typeof fs, 'writeFileSync'> }
  for (const name of Object.keys(FILES)) virtualfs.writeFileSync(name, Buffer.from(`${MARK}${name}`))
  pdfmake.setFonts({
    Serif: { normal: 'serif', bold: 'serifBold', italics: 'serifItalic' },
    Naskh: { normal: 'naskh', bold: 'naskhBold' },
  })
}
