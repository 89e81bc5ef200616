import { sign, type KeyObject } from 'node:crypto'

/** What a credential has that claims of the token repeat. */
type Claimable = {
  id: string
  issuer: string | { id: string }
  validFrom: string
  validUntil?: string
  credentialSubject: { id: string }
}

type Signer = {
  /** The address at which everybody finds the public key. */
  kid: string
  privateKey: KeyObject
}

/**
 * A credential as a signed token: the claims beside the credential's own fields (Open Badges 3.0, "JSON Web Token Proof
 * Format"). RS256 has no randomness, so the same credential under the same key is the same text. It is no session token:
 * another algorithm, another type, and no audience.
 */
export const signCredential = async (credential: Claimable, { kid, privateKey }: Signer): Promise<string> => {
  const { id, issuer, validFrom, validUntil, credentialSubject } = credential
  const header = { alg: 'RS256', typ: 'JWT', kid }
  const payload = {
    ...credential,
    iss: typeof issuer === 'string' ? issuer : issuer.id,
    jti: id,
    sub: credentialSubject.id,
    nbf: secondsOf(validFrom),
    ...(validUntil === undefined ? {} : { exp: secondsOf(validUntil) }),
  }
  const input = `${encoded(header)}.${encoded(payload)}`
  return `${input}.${(await signature(input, privateKey)).toString('base64url')}`
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

const secondsOf = (instant: string) => Math.floor(Date.parse(instant) / 1000)

/** In a thread of its own: it takes milliseconds, which everybody else would wait for. */
const signature = (input: string, privateKey: KeyObject): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    sign('RSA-SHA256', Buffer.from(input), privateKey, (error, made) =>
      error ? reject(error) : resolve(made),
    )
  })
