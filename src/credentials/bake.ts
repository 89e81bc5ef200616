import { crc32 } from 'node:zlib'

/** Puts a signed credential into a picture, and takes it out again (Open Badges 3.0, "Baked Badge"). */

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const KEYWORD = 'openbadgecredential'

type Chunk = { type: string; data: Buffer }

/**
 * A credential that is in the picture already is replaced: there must be one.
 * @throws when the bytes are no PNG
 */
export const bakePng = (png: Buffer, jws: string): Buffer => {
  const chunks = chunksOf(png).filter((chunk) => credentialIn(chunk) === undefined)
  const [header, ...rest] = chunks
  // Behind the header, so that whoever reads only the beginning finds it.
  const baked = [header!, { type: 'iTXt', data: internationalText(jws) }, ...rest]
  return Buffer.concat([PNG_SIGNATURE, ...baked.map(bytesOf)])
}

/** @returns the first credential in the picture; nothing when there is none */
export const unbakePng = (png: Buffer): string | undefined => {
  for (const chunk of chunksOf(png)) {
    const text = credentialIn(chunk)
    if (text !== undefined) return text
  }
  return undefined
}

export const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(PNG_SIGNATURE)

/** Keyword, no compression, no language, no translated keyword, and the text. */
const internationalText = (text: string) =>
  Buffer.concat([Buffer.from(`${KEYWORD}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')])

const credentialIn = ({ type, data }: Chunk): string | undefined => {
  const prefix = Buffer.from(`${KEYWORD}\0`, 'latin1')
  if (type !== 'iTXt' || !data.subarray(0, prefix.length).equals(prefix)) return undefined
  // Two bytes about compression, which the standard forbids here, then two texts that end with NUL.
  if (data[prefix.length] !== 0) throw new Error('the credential in the picture is compressed')
  const language = data.indexOf(0, prefix.length + 2)
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1)
  if (translated < 0) throw new Error('the text in the picture is cut off')
  return data.subarray(translated + 1).toString('utf8')
}

const chunksOf = (png: Buffer): Chunk[] => {
  if (!isPng(png)) throw new Error('not a PNG')
  const chunks: Chunk[] = []
  let at = PNG_SIGNATURE.length
  while (at + 12 <= png.length) {
    const length = png.readUInt32BE(at)
    const end = at + 8 + length
    if (end + 4 > png.length) throw new Error('the PNG is cut off')
    const type = png.toString('latin1', at + 4, at + 8)
    if (crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) throw new Error('the PNG is damaged')
    chunks.push({ type, data: png.subarray(at + 8, end) })
    if (type === 'IEND') return chunks
    at = end + 4
  }
  throw new Error('the PNG is cut off')
}

/** A chunk of a PNG: length, type, data and their checksum. */
export const bytesOf = ({ type, data }: Chunk): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, checksum])
}

export const pngOf = (chunks: readonly Chunk[]): Buffer =>
  Buffer.concat([PNG_SIGNATURE, ...chunks.map(bytesOf)])

const NAMESPACE = 'https://purl.imsglobal.org/ob/v3p0'

/** @throws when the text has no `svg` element, or has a credential already */
export const bakeSvg = (svg: string, jws: string): string => {
  const opening = /<svg\b[^>]*>/.exec(svg)
  if (!opening) throw new Error('not an SVG')
  if (svg.includes('<openbadges:credential')) throw new Error('the SVG has a credential already')
  const [tag] = opening
  const end = tag.endsWith('/>') ? -2 : -1
  const named = tag.includes('xmlns:openbadges=')
    ? tag
    : `${tag.slice(0, end)} xmlns:openbadges="${NAMESPACE}"${tag.slice(end)}`
  // A compact signature has no letter that means something in XML.
  const credential = `<openbadges:credential verify="${jws}"></openbadges:credential>`
  return svg.slice(0, opening.index) + named + credential + svg.slice(opening.index + tag.length)
}

/** @returns what the first credential of the picture is: a signature, or JSON; nothing when there is none */
export const unbakeSvg = (svg: string): string | undefined => {
  const [, attributes = '', rest = ''] = /<openbadges:credential\b([^>]*)>([\s\S]*)/.exec(svg) ?? []
  const verify = /\bverify\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(attributes)
  if (verify) return (verify[1] ?? verify[2] ?? '').trim()
  const body = /^([\s\S]*?)<\/openbadges:credential>/.exec(rest)?.[1]
  return /<!\[CDATA\[([\s\S]*?)\]\]>/.exec(body ?? '')?.[1]?.trim() ?? (body?.trim() || undefined)
}
