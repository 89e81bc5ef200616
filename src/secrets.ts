import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'

export type Secrets = { tokenSecret: string }

/** From the environment; outside production, made on the first start and kept in the data folder, readable by its owner only. */
export const readSecrets = ({ LAUREL_TOKEN_SECRET, DATA_DIR }: Config): Secrets => {
  if (LAUREL_TOKEN_SECRET) return { tokenSecret: LAUREL_TOKEN_SECRET }
  const path = join(DATA_DIR, 'secrets.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Secrets
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const secrets = { tokenSecret: randomBytes(32).toString('base64url') }
  mkdirSync(DATA_DIR, { recursive: true })
  writeFileSync(path, JSON.stringify(secrets), { mode: 0o600, flag: 'wx' })
  return secrets
}
