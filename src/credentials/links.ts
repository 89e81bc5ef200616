import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { VaultKey } from '../vault.ts'

/** Where a credential is shown to somebody who is not signed in. */
export type VerificationLinks = {
  /** By the number that is printed on it, which says little because it can be guessed. */
  byNumber: (number: string) => string
  /** By a link that nobody can guess who has not been given it. The same for the same credential, while its key is kept. */
  page: (id: string) => string
  /** The document of a certificate, for those who are signed in and may see it. */
  file: (id: string) => string
  /** Whether the seal of a link belongs to the credential. */
  opens: (id: string, seal: string) => boolean
}

type Options = {
  /** The first one seals; all of them open. */
  keys: readonly [VaultKey, ...VaultKey[]]
  /** The address under which others reach this server, without a slash at its end. */
  publicUrl: () => string
}

/** Of 256 bits; 128 are more than anybody can try. */
const SEAL_BYTES = 16

/** Links to the page of a credential. A link carries its seal with it: nothing secret is stored. */
export const createVerificationLinks = ({ keys, publicUrl }: Options): VerificationLinks => {
  const sealers = keys.map(({ key }) =>
    Buffer.from(hkdfSync('sha256', key, '', 'laurel verification link', 32)),
  )
  const sealOf = (sealer: Buffer, id: string) =>
    createHmac('sha256', sealer).update(id).digest().subarray(0, SEAL_BYTES)
  return {
    byNumber: (number) => `${publicUrl()}/verify/${encodeURIComponent(number)}`,
    page: (id) => `${publicUrl()}/verify/l/${id}.${sealOf(sealers[0]!, id).toString('base64url')}`,
    file: (id) => `${publicUrl()}/api/certificates/${id}/download`,
    opens: (id, seal) => {
      const given = Buffer.from(seal, 'base64url')
      return (
        given.length === SEAL_BYTES &&
        // Not every spelling of the same bytes.
        given.toString('base64url') === seal &&
        sealers.some((sealer) => timingSafeEqual(sealOf(sealer, id), given))
      )
    },
  }
}
