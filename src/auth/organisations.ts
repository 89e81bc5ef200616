import type { Organisation as OrganisationRules, Person } from '../../actors/ports.ts'
import type { Database } from '../../persistence/database.ts'
import { Organisation, User, type OrganisationSettings } from '../../persistence/identity.ts'
import { sqlState } from '../../persistence/sql.ts'

export type Directory = {
  organisation: (id: string) => Promise<OrganisationRules | undefined>
  /** What it is called. */
  organisationName: (id: string) => Promise<string | undefined>
  /** The id of the user's organisation. */
  userOrganisation: (userId: string) => Promise<string | undefined>
  user: (id: string) => Promise<Person | undefined>
}

/** What actors ask about people and organisations. */
export const createDirectory = (database: Database): Directory => ({
  organisation: async (id) => {
    const found = await database.read((em) => em.findOne(Organisation, { id }))
    return found ? { id: found.id, settings: found.settings } : undefined
  },
  organisationName: async (id) =>
    (await database.read((em) => em.findOne(Organisation, { id }, { fields: ['name'] })))?.name,
  userOrganisation: async (userId) =>
    (await database.read((em) => em.findOne(User, { id: userId }, { fields: ['orgId'] })))?.orgId,
  user: async (id) => {
    const found = await database.read((em) =>
      em.findOne(User, { id }, { fields: ['name', 'email', 'orgId'] }),
    )
    return found ? { name: found.name, email: found.email, orgId: found.orgId } : undefined
  },
})

const DEFAULT_SETTINGS: OrganisationSettings = {
  expiringWindowDays: 30,
  reminderDays: [60, 30, 14, 7],
  requiredCertTypes: [],
}

export type NewOrganisation = {
  id: string
  name: string
  settings?: Partial<OrganisationSettings>
  isDefault?: boolean
  /** Milliseconds. */
  createdAt: number
}

export const createOrganisation = async (database: Database, organisation: NewOrganisation): Promise<void> =>
  database.transaction(async (em) => {
    await em.insert(Organisation, {
      ...organisation,
      isDefault: organisation.isDefault ?? false,
      settings: { ...DEFAULT_SETTINGS, ...organisation.settings },
      createdAt: new Date(organisation.createdAt),
    })
  })

/** The id of the default organisation, which is made from `proposal` when there is none; several nodes may ask at once. */
export const ensureDefaultOrganisation = async (
  database: Database,
  proposal: Omit<NewOrganisation, 'isDefault'>,
): Promise<string> => {
  const find = async () => (await database.read((em) => em.findOne(Organisation, { isDefault: true })))?.id
  const known = await find()
  if (known) return known
  try {
    await createOrganisation(database, { ...proposal, isDefault: true })
    return proposal.id
  } catch (error) {
    const winner = sqlState(error) === '23505' ? await find() : undefined
    if (winner) return winner
    throw error
  }
}
