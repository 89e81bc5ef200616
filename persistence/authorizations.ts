import { defineEntity, p } from '@mikro-orm/core'
import type { SavedAuthorization } from '../actors/ports.ts'
import type { Card } from '../contracts/payment.ts'
import type { Database } from './database.ts'

const AuthorizationSchema = defineEntity({
  name: 'Authorization',
  tableName: 'saved_authorization',
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    /** The provider's name for the card. */
    signature: p.text(),
    /** Sealed, and empty once the card has been removed. */
    code: p.text().hidden(),
    /** Sealed; the provider ties the code to it. */
    email: p.text().hidden(),
    /** With which key they are sealed. */
    keyId: p.text(),
    card: p.json<Card>(),
    createdAt: p.datetime(3),
    removedAt: p.datetime(3).nullable(),
  },
})
export class Authorization extends AuthorizationSchema.class {}
AuthorizationSchema.setClass(Authorization)

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

export const createAuthorizations = (database: Database): Authorizations => ({
  // Of two at once, the unique index of the card lets one through and the other has to be tried again.
  save: (authorization) =>
    database.transaction(async (em) => {
      const { userId, signature, code, email, keyId, card } = authorization
      const known = await em.findOne(Authorization, { userId, signature, removedAt: null })
      if (known) em.assign(known, { code, email, keyId, card })
      else em.persist(em.create(Authorization, { ...authorization, removedAt: null }))
      return known?.id ?? authorization.id
    }),
  find: async (id, userId) => {
    const row = await database.read((em) => em.findOne(Authorization, { id, userId, removedAt: null }))
    return row ? { ...savedOf(row), code: row.code, email: row.email } : undefined
  },
  list: async (userId) => {
    const orderBy = { createdAt: 'asc', id: 'asc' } as const
    const rows = await database.read((em) => em.find(Authorization, { userId, removedAt: null }, { orderBy }))
    return rows.map(savedOf)
  },
  remove: (id, userId, at) =>
    database.transaction(async (em) => {
      const gone = { removedAt: at, code: '', email: '' }
      return (await em.nativeUpdate(Authorization, { id, userId, removedAt: null }, gone)) > 0
    }),
})

const savedOf = ({ id, userId, card }: Authorization): SavedAuthorization => ({ id, userId, card })
