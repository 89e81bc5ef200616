import { hash } from 'node:crypto'
import type { CertificateView } from '../../contracts/certificate.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import { DESIGN, type PageSize } from './design.ts'
import type { CertificateRenderer } from './renderer.ts'

/** A certificate as it stands now, with the number that it must have to be a document. */
export type Certified = { version: number; view: CertificateView & { number: string } }

export type CertificateFiles = {
  /** Changes with the file, and is known before anything is drawn. */
  tag: (certified: Certified, issuer: string, size: PageSize) => string
  /** @throws RendererBusy, or when it cannot be drawn */
  file: (certified: Certified, issuer: string, size: PageSize) => Promise<Uint8Array<ArrayBuffer>>
}

/** A tenth of a megabyte each. */
const MOST_KEPT = 200

/** Certificates as files, each drawn once as long as nothing about it changes. */
export const createCertificateFiles = (
  renderer: Pick<CertificateRenderer, 'render'>,
  links: VerificationLinks,
): CertificateFiles => {
  /** By what they depend on, the one that was wanted last at the end. */
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  const keyOf = ({ version, view: { id } }: Certified, issuer: string, size: PageSize) =>
    JSON.stringify([id, version, size, DESIGN, issuer, links.page(id)])
  return {
    // Weak: what draws it may write the same page in other bytes one day.
    tag: (...what) => `W/"${hash('sha256', keyOf(...what), 'base64url')}"`,
    file: (certified, issuer, size) => {
      const { id, kind, number, holderName, title, issuedAt, expiresAt } = certified.view
      const link = links.page(id)
      const key = keyOf(certified, issuer, size)
      const known = kept.get(key)
      const facts = { kind, number, holderName, title, issuer, issuedAt, expiresAt, link }
      const file = known ?? renderer.render(facts, size)
      kept.delete(key)
      kept.set(key, file)
      if (!known) {
        const [oldest] = kept.keys()
        if (kept.size > MOST_KEPT) kept.delete(oldest!)
        file.catch(() => kept.delete(key))
      }
      return file
    },
  }
}
