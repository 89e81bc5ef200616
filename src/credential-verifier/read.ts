import { isPng, unbakePng, unbakeSvg } from '../credentials/bake.ts'

/** What somebody has been given as a credential: where it was found, and what it is. */
export type Found =
  | { ok: true; in: Container; jws: string }
  | { ok: true; in: Container; credential: Readonly<Record<string, unknown>> }
  | { ok: false; reason: string }

type Container = 'text' | 'PNG' | 'SVG' | 'JSON'

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Finds the credential in a file, whatever kind of file it is. */
export const findCredential = (bytes: Buffer): Found => {
  try {
    if (isPng(bytes)) return ofText(unbakePng(bytes), 'PNG')
    const text = bytes
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trim()
    if (text.startsWith('<')) return ofText(unbakeSvg(text), 'SVG')
    return ofText(text, 'text')
  } catch (error) {
    return { ok: false, reason: (error as Error).message }
  }
}

const ofText = (text: string | undefined, container: Container): Found => {
  if (!text) return { ok: false, reason: `there is no credential in the ${container}` }
  if (COMPACT.test(text)) return { ok: true, in: container, jws: text }
  const credential = objectOf(text)
  if (!credential)
    return { ok: false, reason: 'this is neither a signed token nor JSON, and no picture with either' }
  const enveloped = envelopeOf(credential)
  const inside = container === 'text' ? 'JSON' : container
  return enveloped === undefined
    ? { ok: true, in: inside, credential }
    : { ok: true, in: inside, jws: enveloped }
}

/** The W3C's `EnvelopedVerifiableCredential`: the token stands in a `data:` address. */
const envelopeOf = ({ type, id }: Readonly<Record<string, unknown>>): string | undefined => {
  const types: unknown[] = Array.isArray(type) ? type : [type]
  if (!types.includes('EnvelopedVerifiableCredential') || typeof id !== 'string') return undefined
  const jws = /^data:application\/(?:vc\+jwt|jwt|vc\+ld\+json\+jwt)[;,](.*)$/.exec(id)?.[1]
  return jws !== undefined && COMPACT.test(jws) ? jws : undefined
}

/** @returns nothing when the text is no JSON object */
export const objectOf = (text: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
