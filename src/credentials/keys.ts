import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { CredentialKeyStore, NewCredentialKey, PublicJwk } from '../../persistence/credential-keys.ts'
import type { Sql } from '../../persistence/sql.ts'
import type { Vault } from '../vault.ts'

/** What signs, and what the world verifies it with. Nothing of a session token can be made or read with these. */
export type CredentialKeys = {
  /** The key that signs now; another process may have replaced it a moment ago. */
  current: () => Promise<SigningKey>
  /** Every public key that has ever signed, as a set (RFC 7517); `nameOf` makes the address of a key. */
  jwks: (nameOf: (kid: string) => string) => Promise<{ keys: PublishedJwk[] }>
  find: (kid: string) => Promise<PublishedJwk | undefined>
}

export type SigningKey = { kid: string; privateKey: KeyObject }

export type PublishedJwk = PublicJwk & { kid: string; alg: 'RS256'; use: 'sig' }

/** Beyond 2030 by the tables of NIST SP 800-57 and of the BSI: a certificate may be verified for decades. */
const MODULUS_BITS = 3072

/** Of PostgreSQL's advisory locks. */
const KEY_LOCK = 7_114_034

type Dependencies = {
  store: CredentialKeyStore
  vault: Vault
  sql: Pick<Sql, 'exclusively'>
  now: () => number
}

/** The first key is made when somebody first wants one, once however many nodes do: it takes a moment. */
export const createCredentialKeys = (deps: Dependencies): CredentialKeys => {
  const { store, vault } = deps
  let opened: SigningKey | undefined
  const ensured = async () => {
    const known = await store.current()
    if (known) return known
    await deps.sql.exclusively(KEY_LOCK, async () => {
      if (!(await store.current())) await store.replace(await newKey(deps))
    })
    return (await store.current())!
  }
  return {
    current: async () => {
      const key = await ensured()
      if (opened?.kid !== key.kid)
        opened = { kid: key.kid, privateKey: createPrivateKey(vault.open(key.privateKey)) }
      return opened
    },
    jwks: async (nameOf) => {
      await ensured()
      return { keys: (await store.all()).map(({ kid, publicJwk }) => published(publicJwk, nameOf(kid))) }
    },
    find: async (kid) => {
      const publicJwk = await store.find(kid)
      return publicJwk && published(publicJwk, kid)
    },
  }
}

const published = ({ kty, n, e }: PublicJwk, kid: string): PublishedJwk => ({
  kty,
  n,
  e,
  kid,
  alg: 'RS256',
  use: 'sig',
})

/** From the next credential on another key signs; what was signed before stays good. @returns the id of the new one */
export const rotateCredentialKey = (deps: Dependencies): Promise<string> =>
  deps.sql.exclusively(KEY_LOCK, async () => {
    const key = await newKey(deps)
    await deps.store.replace(key)
    return key.kid
  })

const newKey = async ({ vault, now }: Pick<Dependencies, 'vault' | 'now'>): Promise<NewCredentialKey> => {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' })
  const publicJwk: PublicJwk = { kty: 'RSA', n: n!, e: e! }
  return {
    kid: thumbprint(publicJwk),
    publicJwk,
    privateKey: vault.seal(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
    createdAt: new Date(now()),
  }
}

/** RFC 7638: the same for the same key, whoever computes it. */
const thumbprint = ({ e, n }: Pick<PublicJwk, 'e' | 'n'>): string =>
  createHash('sha256')
    .update(JSON.stringify({ e, kty: 'RSA', n }))
    .digest('base64url')

/** What entries of status lists and ids of holders are derived from: made once, and never changed after that. */
export const ensureCredentialSecret = async ({
  store,
  vault,
  now,
}: Omit<Dependencies, 'sql'>): Promise<Buffer> => {
  const known = await store.secret(SECRET)
  if (known) return Buffer.from(vault.open(known), 'base64url')
  // Several nodes may start at once: what counts is what is there afterwards.
  await store.addSecret(SECRET, vault.seal(randomBytes(32).toString('base64url')), new Date(now()))
  return Buffer.from(vault.open((await store.secret(SECRET))!), 'base64url')
}

const SECRET = 'derivation'
