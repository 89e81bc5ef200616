import type { FastifyPluginAsync } from 'fastify'
import type { Server } from 'socket.io'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { createCredentialKeyStore } from '../../persistence/credential-keys.ts'
import type { Database } from '../../persistence/database.ts'
import { createDisclosures } from '../../persistence/disclosures.ts'
import type { AddressOf } from '../gateway/address-of.ts'
import type { BasePath } from '../gateway/base-path.ts'
import type { Admission } from '../gateway/rest.ts'
import type { Vault } from '../vault.ts'
import { documentsRoutes } from './documents-routes.ts'
import { downloadRoutes } from './download-routes.ts'
import type { CredentialSource } from './facts.ts'
import { createHolderIds } from './holder.ts'
import { createIssuing } from './issuing.ts'
import { createCredentialKeys, ensureCredentialSecret } from './keys.ts'
import type { VerificationLinks } from './links.ts'
import { createPublicLookup } from './lookup.ts'
import { createAddresses } from './open-badge.ts'
import { createCredentialSource } from './source.ts'
import { createStatusPlaces } from './status-list.ts'
import { verifyRoutes } from './verify-routes.ts'
import { createWatch, type Watch } from './watch.ts'

/** What others verify, and where they do it. */
export type Credentials = {
  routes: FastifyPluginAsync
  /** Serves `/verify` on these sockets. */
  watch: (io: Server, addressOf: AddressOf) => Watch
}

type Dependencies = Admission & {
  database: Database
  definitions: readonly AnyActorDefinition[]
  vault: Vault
  links: VerificationLinks
  publicUrl: () => string
  organisationName: (orgId: string) => Promise<string | undefined>
  emailOf: (userId: string) => Promise<string | undefined>
  basePath: BasePath
  now: () => number
  failed: (error: unknown) => void
}

/** @returns nothing when this server has no actors that are credentials */
export const createCredentials = (deps: Dependencies): Credentials | undefined => {
  const source = createCredentialSource(deps.database.sql, deps.definitions)
  return source && assemble(deps, source)
}

const derivedFrom = (secret: Buffer) => ({
  places: createStatusPlaces(secret),
  holders: createHolderIds(secret),
})

const assemble = (deps: Dependencies, source: CredentialSource): Credentials => {
  const { database, vault, links, publicUrl, organisationName, now, failed } = deps
  const store = createCredentialKeyStore(database)
  // When somebody first needs it: a server whose key for it is gone still starts, and verifies.
  let known: ReturnType<typeof derivedFrom> | undefined
  const derived = async () => (known ??= derivedFrom(await ensureCredentialSecret({ store, vault, now })))
  const disclosures = createDisclosures(database)
  const issuing = createIssuing({
    source,
    keys: createCredentialKeys({ store, vault, sql: database.sql, now }),
    derived,
    addresses: createAddresses(publicUrl),
    organisationName,
    now,
  })
  const { fingerprint } = vault
  const lookup = createPublicLookup({ source, links, disclosures, fingerprint, now })
  return {
    routes: async (app) => {
      await app.register(documentsRoutes({ ...deps, issuing }))
      await app.register(verifyRoutes({ ...deps, lookup, issuing }))
      await app.register(downloadRoutes({ ...deps, source, issuing, disclosures }))
    },
    watch: (io, addressOf) =>
      createWatch({
        namespace: io.of('/verify'),
        source,
        lookup,
        limits: deps.limits,
        addressOf,
        now,
        failed,
      }),
  }
}
