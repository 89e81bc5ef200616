import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { VaultKey } from './vault.ts'

export type Secrets = { tokenSecret: string; vaultKeys: readonly [VaultKey, ...VaultKey[]] }

type Kept = { tokenSecret?: string; vaultKey?: string }

/**
 * From the environment; outside production, what is missing there is made on the first start and kept in the data
 * folder, readable by its owner only.
 */
export const readSecrets = (config: Config): Secrets => {
  const { LAUREL_TOKEN_SECRET, LAUREL_ENCRYPTION_KEYS } = config
  if (LAUREL_TOKEN_SECRET && LAUREL_ENCRYPTION_KEYS)
    return { tokenSecret: LAUREL_TOKEN_SECRET, vaultKeys: LAUREL_ENCRYPTION_KEYS }
  const { tokenSecret, vaultKey } = keptIn(config.DATA_DIR)
  return {
    tokenSecret: LAUREL_TOKEN_SECRET ?? tokenSecret,
    vaultKeys: LAUREL_ENCRYPTION_KEYS ?? [{ id: 'local', key: Buffer.from(vaultKey, 'base64url') }],
  }
}

const keptIn = (folder: string): Required<Kept> => {
  const path = join(folder, 'secrets.json')
  const kept = read(path)
  const complete = {
    tokenSecret: kept.tokenSecret ?? randomBytes(32).toString('base64url'),
    vaultKey: kept.vaultKey ?? randomBytes(32).toString('base64url'),
  }
  if (kept.tokenSecret && kept.vaultKey) return complete
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${path}.new`, JSON.stringify(complete), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return complete
}

const read = (path: string): Kept => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}
