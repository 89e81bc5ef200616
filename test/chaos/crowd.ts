import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { createTokens } from '../../src/auth/tokens.ts'
import { TOKEN_SECRET, type Cluster } from './cluster.ts'
import { insist } from './faults/fault.ts'

/**
 * New people who may see what the one may for whom the token speaks. The server counts requests by user: what a crowd
 * asks for must not be taken from those who are watched.
 * @returns a token of each
 */
export const aCrowd = async ({ databaseUrl }: Cluster, token: string, size: number): Promise<string[]> => {
  const tokens = createTokens({ secret: TOKEN_SECRET, now: Date.now, newId: randomUUID })
  const like = tokens.verify(token)
  if (!like.ok) throw new Error('a crowd needs a valid token to begin with')
  const { orgId, roles } = like.principal
  const people = Array.from({ length: size }, () => ({ userId: randomUUID(), sessionId: randomUUID() }))
  const ids = [people.map(({ userId }) => userId), people.map(({ sessionId }) => sessionId)]
  // The database may be away for a while.
  await insist(() => store(databaseUrl, [...ids, orgId, roles]))
  return people.map(({ userId, sessionId }) => tokens.issue({ ...like.principal, userId }, sessionId).token)
}

/** Nobody signs in with a password: hashing so many would take longer than the fault. */
const store = async (databaseUrl: string, values: unknown[]) => {
  const client = new Client({ connectionString: databaseUrl })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(
      `with person as (select * from unnest($1::uuid[], $2::uuid[]) as _ (user_id, session_id)),
        account as (
          insert into user_account (id, org_id, username, email, password_hash, name, created_at, updated_at)
          select user_id, $3, user_id::text, user_id || '@crowd.test', '!', 'crowd', now(), now() from person
          returning id),
        role as (
          insert into user_role (user_id, role) select id, unnest($4::text[]) from account)
      insert into session (id, user_id, created_at)
        select session_id, user_id, now() from person join account on id = user_id`,
      values,
    )
  } finally {
    await client.end()
  }
}
