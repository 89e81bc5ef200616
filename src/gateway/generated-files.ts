import type { AnyActorDefinition } from '../../actors/actor.ts'
import { accessDocument, type AccessTable } from './access-document.ts'
import { asyncApi } from './async-api.ts'
import { machineDocument } from './machine-diagram.ts'
import { openApi } from './open-api.ts'
import { otherRoutes } from './other-routes.ts'
import { routesOf } from './routes.ts'
import { yaml } from './yaml.ts'

/** Everything under `docs/` that follows from contracts, machines and what tests try out: text by path. */
export const generatedFiles = (
  definitions: readonly AnyActorDefinition[],
  access: readonly AccessTable[],
): Map<string, string> => {
  const rest = openApi(definitions, [...routesOf(definitions), ...otherRoutes])
  return new Map([
    ['docs/openapi.json', json(rest)],
    ['docs/api-spec.yaml', yaml(rest).trimStart()],
    ['docs/access.md', accessDocument(access)],
    ['docs/asyncapi.json', json(asyncApi(definitions))],
    ...definitions.map(
      ({ contract, machine }) =>
        [`docs/machines/${contract.actor}.md`, machineDocument(contract.actor, machine)] as const,
    ),
  ])
}

const json = (document: object) => `${JSON.stringify(document, null, 2)}\n`
