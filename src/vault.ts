import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Seals what may be kept but not read: AES-256-GCM, with the id of its key beside it so that keys can be changed. */
export type Vault = {
  /** Another text each time: `v1.<key id>.<nonce, ciphertext and tag in base64url>`. */
  seal: (text: string) => string
  /** @throws when the key is unknown, or when somebody has changed the text. */
  open: (sealed: string) => string
  /** The same for equal texts as long as the key is the same; tells nothing to those who have no key. */
  fingerprint: (text: string) => string
}

export type VaultKey = { id: string; key: Buffer }

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The first key seals; all of them open. */
export const createVault = (keys: readonly [VaultKey, ...VaultKey[]]): Vault => {
  const current = keys[0]
  const known = new Map(keys.map(({ id, key }) => [id, key]))
  const fingerprints = Buffer.from(hkdfSync('sha256', current.key, '', 'laurel fingerprint', 32))
  return {
    seal: (text) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce)
      cipher.setAAD(Buffer.from(current.id))
      const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return `v1.${current.id}.${Buffer.concat(sealed).toString('base64url')}`
    },
    open: (sealed) => {
      const [version, id = '', body = ''] = sealed.split('.')
      const key = known.get(id)
      if (version !== 'v1' || !key) throw new Error(`sealed with a key that is not here: ${id.slice(0, 32)}`)
      const bytes = Buffer.from(body, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(id))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      return (
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      )
    },
    fingerprint: (text) => createHmac('sha256', fingerprints).update(text).digest('base64url'),
  }
}
