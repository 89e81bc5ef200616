import { defineEntity, p } from '@mikro-orm/core'
import type { Database } from './database.ts'

/** How somebody came to see a credential. */
export type Means = 'number' | 'link' | 'watch' | 'download'

const DisclosureSchema = defineEntity({
  name: 'Disclosure',
  tableName: 'disclosure',
  properties: {
    id: p.bigint('number').primary().autoincrement(),
    credentialType: p.text(),
    credentialId: p.uuid(),
    means: p.text().$type<Means>(),
    nameShown: p.boolean(),
    /** Who looked, when that is known; otherwise `viewer` stands for the address. */
    userId: p.uuid().nullable(),
    viewer: p.text().nullable(),
    at: p.datetime(3),
  },
})
/** Append-only. */
export class Disclosure extends DisclosureSchema.class {}
DisclosureSchema.setClass(Disclosure)

export type NewDisclosure = {
  credentialType: string
  credentialId: string
  means: Means
  nameShown: boolean
  by: { userId: string } | { viewer: string }
  at: Date
}

export type Disclosures = {
  add: (disclosure: NewDisclosure) => Promise<void>
  /** Of one credential, the latest first; `before` is an id. */
  of: (credentialId: string, page: { before?: number | undefined; limit: number }) => Promise<Disclosure[]>
}

export const createDisclosures = (database: Database): Disclosures => ({
  add: async ({ by, ...disclosure }) => {
    const who = { userId: null, viewer: null, ...by }
    await database.read((em) => em.insert(Disclosure, { ...disclosure, ...who }))
  },
  of: (credentialId, { before, limit }) =>
    database.read((em) =>
      em.find(
        Disclosure,
        { credentialId, ...(before === undefined ? {} : { id: { $lt: before } }) },
        { orderBy: { id: 'desc' }, limit },
      ),
    ),
})
