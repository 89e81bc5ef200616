import type { SavedAuthorization } from '../actors/ports.ts'
import type { Card } from '../contracts/payment.ts'
import type { Database } from './database.ts'
import type { Statement } from './sql.ts'

/** Saved cards. What charges one is sealed before it comes here and opened after it has left. */
export type Authorizations = {
  /** Keeps a card, or what is new about one that is kept already. @returns its id */
  save: (authorization: NewAuthorization) => Promise<string>
  find: (id: string, userId: string) => Promise<(SavedAuthorization & SealedAuthorization) | undefined>
  list: (userId: string) => Promise<SavedAuthorization[]>
  /** @returns whether there was one */
  remove: (id: string, userId: string, at: Date) => Promise<boolean>
}

export type SealedAuthorization = { code: string; email: string }

export type NewAuthorization = SavedAuthorization &
  SealedAuthorization & { signature: string; keyId: string; createdAt: Date }

export const createAuthorizations = ({ sql }: Database): Authorizations => ({
  save: async ({ id, userId, signature, code, email, keyId, card, createdAt }) => {
    const [row] = await sql.query<{ id: string }>(SAVE, [
      id,
      userId,
      signature,
      code,
      email,
      keyId,
      JSON.stringify(card),
      createdAt.toISOString(),
    ])
    return row!.id
  },
  find: async (id, userId) => {
    const [row] = await sql.query<SavedAuthorization & SealedAuthorization & { card: Card }>(FIND, [
      id,
      userId,
    ])
    return row
  },
  list: (userId) => sql.query<SavedAuthorization>(LIST, [userId]),
  remove: async (id, userId, at) => (await sql.query(REMOVE, [id, userId, at.toISOString()])).length > 0,
})

const SAVE: Statement = {
  name: 'authorization_save',
  text: `
insert into saved_authorization (id, user_id, signature, code, email, key_id, card, created_at)
values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8)
on conflict (user_id, signature) where removed_at is null do update
set code = excluded.code, email = excluded.email, key_id = excluded.key_id, card = excluded.card
returning id`,
}

const FIND: Statement = {
  name: 'authorization_find',
  text: `select id, user_id as "userId", card, code, email from saved_authorization
where id = $1 and user_id = $2 and removed_at is null`,
}

const LIST: Statement = {
  name: 'authorization_list',
  text: `select id, user_id as "userId", card from saved_authorization
where user_id = $1 and removed_at is null order by created_at, id`,
}

const REMOVE: Statement = {
  name: 'authorization_remove',
  text: `update saved_authorization set removed_at = $3, code = '', email = ''
where id = $1 and user_id = $2 and removed_at is null returning id`,
}
