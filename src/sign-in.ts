import type { Database } from '../persistence/database.ts'
import { createAccounts, type Accounts } from './auth/accounts.ts'
import type { AuthenticateDeps } from './auth/authenticate.ts'
import { createLoginLimits, type LimiterOf, type LimitOptions } from './auth/limits.ts'
import { ensureDefaultOrganisation } from './auth/organisations.ts'
import { createPasswords, type PasswordCost } from './auth/passwords.ts'
import { createSessions } from './auth/sessions.ts'
import { createTokens } from './auth/tokens.ts'

type Parts = {
  database: Database
  tokenSecret: string
  loginLimits: Partial<LimitOptions> | undefined
  passwordCost: PasswordCost | undefined
  refusesSignIn: ((email: string) => boolean) | undefined
  limiterOf: LimiterOf
  now: () => number
  newId: () => string
}

/** Everything about who somebody is. */
export type SignIn = AuthenticateDeps & { accounts: Accounts; defaultOrgId: string }

export const createSignIn = async (parts: Parts): Promise<SignIn> => {
  const { database, tokenSecret, loginLimits, passwordCost, limiterOf, now, newId } = parts
  const { refusesSignIn = () => false } = parts
  const tokens = createTokens({ secret: tokenSecret, now, newId })
  const sessions = createSessions({ database, tokens, now, newId })
  const defaultOrgId = await ensureDefaultOrganisation(database, {
    id: newId(),
    name: 'Laurel',
    createdAt: now(),
  })
  const accounts = createAccounts({
    database,
    sessions,
    passwords: createPasswords(passwordCost && { cost: passwordCost }),
    limits: createLoginLimits(loginLimits, limiterOf),
    now,
    newId,
    defaultOrgId,
    refusesSignIn,
  })
  return { tokens, sessions, accounts, defaultOrgId }
}
