import pdfmake from 'pdfmake'
import { certificateDocument, type CertificateFacts, type PageSize, type Ruler } from './design.ts'
import { useFonts, widthIn } from './fonts.ts'

useFonts()
// A document of ours names no file and no address; whatever a name contains is text.
pdfmake.setUrlAccessPolicy(() => false)
pdfmake.setLocalAccessPolicy(() => false)

const ruler: Ruler = (text, script, cut) => {
  if (script === 'arabic') return widthIn(cut === 'bold' ? 'naskhBold' : 'naskh', text)
  return widthIn(({ regular: 'serif', bold: 'serifBold', italic: 'serifItalic' } as const)[cut], text)
}

/** One certificate as a PDF file. It takes the processor for as long as it lasts: for a thread of its own. */
export const renderCertificate = (facts: CertificateFacts, size: PageSize): Promise<Buffer> =>
  pdfmake.createPdf(certificateDocument(facts, size, ruler)).getBuffer()
