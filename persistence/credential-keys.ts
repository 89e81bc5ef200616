import { defineEntity, p } from '@mikro-orm/core'
import type { Database } from './database.ts'

/** A public key as RFC 7517 has it, without its id. */
export type PublicJwk = { kty: 'RSA'; n: string; e: string }

const CredentialKeySchema = defineEntity({
  name: 'CredentialKey',
  tableName: 'credential_key',
  properties: {
    /** The thumbprint of the public key (RFC 7638). */
    kid: p.text().primary(),
    publicJwk: p.json<PublicJwk>(),
    /** Sealed; gone when the key is retired. */
    privateKey: p.text().nullable().hidden(),
    createdAt: p.datetime(3),
    retiredAt: p.datetime(3).nullable(),
  },
})
export class CredentialKey extends CredentialKeySchema.class {}
CredentialKeySchema.setClass(CredentialKey)

const CredentialSecretSchema = defineEntity({
  name: 'CredentialSecret',
  tableName: 'credential_secret',
  properties: {
    name: p.text().primary(),
    sealed: p.text().hidden(),
    createdAt: p.datetime(3),
  },
})
export class CredentialSecret extends CredentialSecretSchema.class {}
CredentialSecretSchema.setClass(CredentialSecret)

export type NewCredentialKey = { kid: string; publicJwk: PublicJwk; privateKey: string; createdAt: Date }

/** The keys that sign credentials. There is one that signs, and there are those that have signed. */
export type CredentialKeyStore = {
  /** The one that signs now, with its private half sealed. */
  current: () => Promise<{ kid: string; privateKey: string } | undefined>
  /** All that have ever signed, the newest first. */
  all: () => Promise<{ kid: string; publicJwk: PublicJwk }[]>
  find: (kid: string) => Promise<PublicJwk | undefined>
  /** Signs from now on; the private half of the one before is forgotten in the same commit. */
  replace: (key: NewCredentialKey) => Promise<void>
  secret: (name: string) => Promise<string | undefined>
  /** Keeps what is there already. */
  addSecret: (name: string, sealed: string, createdAt: Date) => Promise<void>
  /** Seals again what was sealed: private keys and secrets. @returns how many */
  reseal: (again: (sealed: string) => string) => Promise<number>
}

export const createCredentialKeyStore = (database: Database): CredentialKeyStore => ({
  current: async () => {
    const key = await database.read((em) => em.findOne(CredentialKey, { retiredAt: null }))
    return key?.privateKey ? { kid: key.kid, privateKey: key.privateKey } : undefined
  },
  all: async () => {
    const keys = await database.read((em) =>
      em.find(CredentialKey, {}, { orderBy: { createdAt: 'desc', kid: 'asc' } }),
    )
    return keys.map(({ kid, publicJwk }) => ({ kid, publicJwk }))
  },
  find: async (kid) => (await database.read((em) => em.findOne(CredentialKey, { kid })))?.publicJwk,
  replace: (key) =>
    database.transaction(async (em) => {
      await em.nativeUpdate(
        CredentialKey,
        { retiredAt: null },
        { retiredAt: key.createdAt, privateKey: null },
      )
      await em.insert(CredentialKey, { ...key, retiredAt: null })
    }),
  secret: async (name) => (await database.read((em) => em.findOne(CredentialSecret, { name })))?.sealed,
  addSecret: async (name, sealed, createdAt) => {
    await database.read((em) =>
      em
        .createQueryBuilder(CredentialSecret)
        .insert({ name, sealed, createdAt })
        .onConflict(['name'])
        .ignore()
        .execute('run'),
    )
  },
  reseal: (again) =>
    database.transaction(async (em) => {
      const keys = await em.find(CredentialKey, { retiredAt: null })
      for (const { kid, privateKey } of keys)
        if (privateKey) await em.nativeUpdate(CredentialKey, { kid }, { privateKey: again(privateKey) })
      const secrets = await em.find(CredentialSecret, {})
      for (const { name, sealed } of secrets)
        await em.nativeUpdate(CredentialSecret, { name }, { sealed: again(sealed) })
      return keys.length + secrets.length
    }),
})
