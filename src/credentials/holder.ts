import { createHash, createHmac } from 'node:crypto'

/** Who a credential is about, without saying who that is. */
export type HolderIds = {
  /** The same for all credentials of one person, and for nobody else; nothing leads back without the secret. */
  subject: (userId: string) => string
  /** With it the holder can show that the address is theirs; still personal data, so only on the holder's wish. */
  emailIdentity: (userId: string, email: string) => EmailIdentity
}

export type EmailIdentity = {
  type: 'IdentityObject'
  hashed: true
  identityHash: string
  identityType: 'emailAddress'
  salt: string
}

export const createHolderIds = (secret: Buffer): HolderIds => {
  const derived = (what: string, userId: string) =>
    createHmac('sha256', secret).update(`laurel ${what}\0${userId}`).digest()
  return {
    subject: (userId) => `urn:uuid:${uuidOf(derived('subject', userId))}`,
    emailIdentity: (userId, email) => {
      // Derived, so that the same credential is the same text each time.
      const salt = derived('salt', userId).subarray(0, 16).toString('hex')
      return {
        type: 'IdentityObject',
        hashed: true,
        identityHash: identityHash(email, salt),
        identityType: 'emailAddress',
        salt,
      }
    },
  }
}

/** As Open Badges hashes an identifier: the salt behind the text. */
export const identityHash = (identifier: string, salt: string): string =>
  `sha256$${createHash('sha256')
    .update(identifier + salt)
    .digest('hex')}`

/** A UUID of version 8, RFC 9562: of no other meaning than ours. */
export const uuidOf = (bytes: Buffer): string => {
  const own = Buffer.from(bytes.subarray(0, 16))
  own[6] = (own[6]! & 0x0f) | 0x80
  own[8] = (own[8]! & 0x3f) | 0x80
  const hex = own.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
