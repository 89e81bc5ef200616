import { createDisclosures } from '../../persistence/disclosures.ts'
import { anonymousIn } from '../auth/anonymous.ts'
import { authRoutes } from '../auth/routes.ts'
import { createCertificateFiles } from '../certificates/files.ts'
import { createCertificateRenderer } from '../certificates/renderer.ts'
import type { Credentials } from '../credentials/credentials.ts'
import { createDownloaded } from '../credentials/downloaded.ts'
import { authorizationRoutes } from '../gateway/authorization-routes.ts'
import { certificateFileRoutes } from '../gateway/certificate-file-routes.ts'
import { documents } from '../gateway/documents.ts'
import { importRoutes } from '../gateway/import-routes.ts'
import { messageRoutes } from '../gateway/message-routes.ts'
import { presenceRoutes } from '../gateway/presence-routes.ts'
import { priceRoutes } from '../gateway/price-routes.ts'
import { rest } from '../gateway/rest.ts'
import { routesOf } from '../gateway/routes.ts'
import type { GatewayParts } from './gateway.ts'
import type { Ground } from './ground.ts'
import type { Lifetime } from './lifetime.ts'

type Parts = GatewayParts & {
  credentials: Credentials | undefined
  lifetime: Lifetime
}

/** Everything that is served over HTTP, but for what every node tells of its health. */
export const registerRoutes = async (ground: Ground, parts: Parts): Promise<void> => {
  const { options, definitions, database, now, newId } = ground
  const { dispatcher, storage, limits, callerOf, links, basePath, lifetime } = parts
  const { app } = parts.http
  const { read, imports, prices, authorizations } = storage
  const { organisationName } = storage.directory
  const { arrivals } = parts.live
  const routes = routesOf(definitions)
  const anonymous = anonymousIn(parts.signIn.defaultOrgId)
  const { patienceMs = 15_000 } = options
  const asked = { routes, dispatcher, arrivals, anonymous, basePath, links, patienceMs }
  const renderer = createCertificateRenderer()
  lifetime.owns('renderer of certificates', renderer.close)
  // Once it listens: nobody waits for it.
  if (options.warm) app.addHook('onListen', async () => void renderer.warm())
  const files = createCertificateFiles(renderer, links)
  const downloaded = createDownloaded(createDisclosures(database), now)

  await app.register(authRoutes({ ...parts.signIn, now }))
  await app.register(rest({ ...asked, limits, callerOf, now }))
  await app.register(importRoutes({ dispatcher, read, store: imports, limits, callerOf, now, newId }))
  await app.register(
    certificateFileRoutes({ dispatcher, files, organisationName, downloaded, limits, callerOf }),
  )
  await app.register(priceRoutes({ prices, limits, callerOf, now }))
  await app.register(authorizationRoutes({ authorizations, limits, callerOf, now }))
  await app.register(presenceRoutes({ presence: parts.presence, limits, callerOf, now }))
  if (parts.credentials) await app.register(parts.credentials.routes)
  if (parts.box) await app.register(messageRoutes({ box: parts.box, basePath, now }))
  if (parts.payments) await app.register(parts.payments.webhooks)
  await app.register(documents({ definitions, routes, basePath, now }))
}
