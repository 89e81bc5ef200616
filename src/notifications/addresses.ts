import type { VerificationLinks } from '../credentials/links.ts'
import type { LinkKind } from './languages/texts.ts'

/** Where what a letter is about can be seen. */
export type LetterLink = { kind: LinkKind; url: string }

type About = { topic: string; subject: { actor: string; id: string } }

/** There is nothing to be downloaded of what does not stand. */
const WITHDRAWN = ['certificate.suspended', 'certificate.revoked', 'badge.revoked']

/**
 * Of a credential: the page that nobody finds who has not been given its address, for its holder to give away, and the file.
 * Only the system says what a notification is about, so nobody is led to somebody else's.
 */
export const linksOf = (
  { page, file }: Pick<VerificationLinks, 'page' | 'file'>,
  { topic, subject: { actor, id } }: About,
): LetterLink[] => {
  if (actor !== 'certificate' && actor !== 'badge') return []
  const verify = { kind: 'verify', url: page(id) } as const
  if (WITHDRAWN.includes(topic)) return [verify]
  return [verify, { kind: 'download', url: actor === 'badge' ? `${page(id)}/credential/png` : file(id) }]
}
