import { CredentialLink, CredentialNumber, type WatchInput } from '../../contracts/verification.ts'
import type { Disclosures, Means } from '../../persistence/disclosures.ts'
import { addressKey } from '../auth/limits.ts'
import type { CredentialFacts, CredentialSource } from './facts.ts'
import type { VerificationLinks } from './links.ts'

/** A credential that somebody has found, and how much of it they may see. */
export type Seen = { facts: CredentialFacts; nameShown: boolean }

/** Finds credentials for those who are nobody in particular, and writes down what they were shown. */
export type PublicLookup = {
  /** A number or a link that cannot be one finds nothing, as one does that is not there. */
  find: (reference: WatchInput) => Promise<Seen | undefined>
  /** As a path has it. */
  byNumber: (number: string) => Promise<Seen | undefined>
  byLink: (link: string) => Promise<Seen | undefined>
  /** Before it is shown. `address` is not kept: what is kept tells only whether two were the same. */
  disclose: (seen: Seen, means: Means, address: string) => Promise<void>
}

type Dependencies = {
  source: CredentialSource
  links: Pick<VerificationLinks, 'opens'>
  disclosures: Pick<Disclosures, 'add'>
  fingerprint: (text: string) => string
  now: () => number
}

export const createPublicLookup = (deps: Dependencies): PublicLookup => {
  const { source, links, disclosures, fingerprint, now } = deps

  /** A number can be guessed, so it shows no more than its holder lets it (C42). */
  const byNumber = async (number: string): Promise<Seen | undefined> => {
    const facts = CredentialNumber.safeParse(number).success ? await source.byNumber(number) : undefined
    return facts?.shown ? { facts, nameShown: facts.holder.isPublic } : undefined
  }

  /** A link cannot be guessed: whoever has it was given it. */
  const byLink = async (link: string): Promise<Seen | undefined> => {
    if (!CredentialLink.safeParse(link).success) return undefined
    const [id = '', seal = ''] = link.split('.')
    const facts = links.opens(id, seal) ? await source.byId(id) : undefined
    return facts?.shown ? { facts, nameShown: true } : undefined
  }

  return {
    find: (reference) => ('number' in reference ? byNumber(reference.number) : byLink(reference.link)),
    byNumber,
    byLink,
    disclose: ({ facts, nameShown }, means, address) =>
      disclosures.add({
        credentialType: facts.actor,
        credentialId: facts.id,
        means,
        // Who watches is told how it stands and no more.
        nameShown: nameShown && means !== 'watch',
        by: { viewer: fingerprint(addressKey(address)) },
        at: new Date(now()),
      }),
  }
}
