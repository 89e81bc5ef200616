import { Validator } from '@seriousme/openapi-schema-validator'
import { readFileSync, globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { businessCalls, catalogActors } from '../src/gateway/catalog/business-calls.ts'
import { asyncApi } from '../src/gateway/async-api.ts'
import { documentsPage } from '../src/gateway/documents-page.ts'
import { generatedFiles } from '../src/gateway/generated-files.ts'
import { openApi } from '../src/gateway/open-api.ts'
import { otherRoutes } from '../src/gateway/other-routes.ts'
import { routesOf } from '../src/gateway/routes.ts'
import { accessTables } from './support/access-tables.ts'

const routes = [...routesOf(actors), ...otherRoutes]
const access = accessTables
const rest = openApi(actors, routes)
const sockets = asyncApi(actors)

const calls = actors.flatMap(({ contract }) =>
  [...Object.keys(contract.commands), ...Object.keys(contract.queries)].map((name) => ({
    namespace: contract.namespace as string,
    name,
    forOperators: contract.audience === 'operators',
  })),
)

const ofCatalog = new Set(catalogActors.map(({ contract }) => contract.namespace as string))

/** Where what belongs to a contract stands: for operators only, or for everybody. */
const channelsOf = (namespace: string, forOperators: boolean) => {
  if (forOperators) return ['admin']
  return [namespace, ...(ofCatalog.has(namespace) ? ['catalog'] : []), 'live', 'admin']
}

/** Every value under a key, however deep. */
const valuesOf = (node: unknown, key: string): unknown[] =>
  typeof node !== 'object' || node === null
    ? []
    : Object.entries(node).flatMap(([name, child]) => [
        ...(name === key ? [child] : []),
        ...valuesOf(child, key),
      ])

const resolve = (document: unknown, reference: string): unknown =>
  reference
    .replace(/^#\//, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((node, part) => (node as Record<string, unknown> | undefined)?.[part], document)

const danglingOf = (document: object) =>
  valuesOf(document, '$ref').filter(
    (reference) => typeof reference !== 'string' || resolve(document, reference) === undefined,
  )

const operations = Object.values(rest.paths).flatMap((path) => Object.values(path))
const operationIds = operations.map((operation) => operation['operationId'] as string)

describe('OpenAPI', () => {
  it('S4.50 is a valid document, as JSON and as docs/api-spec.yaml', async () => {
    const validator = new Validator()
    const files = generatedFiles(actors, access)
    for (const path of ['docs/openapi.json', 'docs/api-spec.yaml'])
      expect({ path, ...(await validator.validate(files.get(path)!)) }).toEqual({ path, valid: true })
    const fromYaml = new Validator()
    await fromYaml.validate(files.get('docs/api-spec.yaml')!)
    expect(fromYaml.specification).toEqual(JSON.parse(files.get('docs/openapi.json')!))
  })

  it('has no dangling reference, and each operation once', () => {
    expect(danglingOf(rest)).toEqual([])
    expect(new Set(operationIds).size).toBe(operationIds.length)
    expect(operationIds.length).toBe(routes.length)
  })

  it('has every command and query of every contract', () => {
    for (const { namespace, name } of calls) expect(operationIds).toContain(`${namespace}.${name}`)
  })

  it('has every route that is written by hand', () => {
    const written = globSync('src/**/*.ts').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bapp\.(get|post|put|delete)\('(\/api\/[^']+)'/g)].map(
        ([, method, url]) => `${method!.toUpperCase()} ${url}`,
      ),
    )
    expect(written.length).toBeGreaterThan(5)
    expect(routes.map(({ method, url }) => `${method} ${url}`)).toEqual(expect.arrayContaining(written))
  })

  it('has the routes that S0 names', () => {
    for (const [path, methods] of Object.entries({
      '/api/v1/certifications': ['get', 'post'],
      '/api/v1/certifications/{id}': ['delete', 'get', 'put'],
      '/api/v1/certifications/{id}/status': ['get'],
      '/api/v1/certifications/{id}/renewals': ['post'],
      '/api/v1/certifications/expiring': ['get'],
    }))
      expect([path, ...Object.keys(rest.paths[path]!).toSorted()]).toEqual([path, ...methods])
  })

  it('asks for a token wherever the server does', () => {
    const open = operations.filter(({ security }) => Array.isArray(security) && security.length === 0)
    expect(open.map(({ operationId }) => String(operationId)).toSorted()).toEqual([
      'auth.login',
      'auth.refresh',
      'auth.register',
      'server.face',
      'server.health',
      'server.ready',
      'verification.byLink',
      'verification.byNumber',
      'verification.certificate',
      'verification.credential',
      'verification.issuer',
      'verification.key',
      'verification.keys',
      'verification.statusList',
    ])
  })

  it('S2.7 asks for none where the catalogue is read, and for one where it is changed', () => {
    const optional = operations.filter(({ security }) => Array.isArray(security) && security.length === 2)
    const ids = optional.map(({ operationId }) => String(operationId))
    expect(ids).toEqual(
      expect.arrayContaining([
        ...Object.keys(businessCalls).filter((name) => /^(?:get|list)/.test(name)),
        'courses.catalog',
        'courses.media',
        'offerings.get',
        'offerings.list',
      ]),
    )
    for (const path of Object.values(rest.paths))
      for (const [method, { operationId }] of Object.entries(path))
        if (ids.includes(operationId as string)) expect(method).toBe('get')
    expect(ids.filter((id) => /journal|create|update|delete/i.test(id))).toEqual([])
  })

  it('S2.66 C2 has the twenty operations of the catalogue, at their addresses', () => {
    const addresses = Object.entries(rest.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [operationId, `${method} ${path}`] as const),
    )
    const of = new Map(addresses)
    expect(Object.keys(businessCalls)).toHaveLength(20)
    for (const [one, many, plural] of [
      ['TutorProfile', 'TutorProfiles', 'tutorprofiles'],
      ['CoursePack', 'CoursePacks', 'coursepacks'],
      ['CourseMaterial', 'CourseMaterials', 'coursematerials'],
      ['CourseCategory', 'CourseCategories', 'coursecategories'],
    ])
      expect(
        [`get${one}`, `list${many}`, `create${one}`, `update${one}`, `delete${one}`].map((id) => of.get(id)),
      ).toEqual([
        `get /v1/${plural}/{id}`,
        `get /v1/${plural}`,
        `post /v1/${plural}`,
        `patch /v1/${plural}/{id}`,
        `delete /v1/${plural}/{id}`,
      ])
  })

  it('C21 says which routes no source names', () => {
    const own = operations.filter(({ operationId }) => String(operationId).startsWith('courses.'))
    for (const { operationId, summary } of own)
      expect([operationId, String(summary).includes("(Laurel's own)")]).toEqual([
        operationId,
        operationId !== 'courses.catalog',
      ])
  })
})

describe('AsyncAPI', () => {
  it('has one channel for each namespace, /catalog, /live, /admin, and /verify', () => {
    const common = actors.filter(({ contract }) => contract.audience !== 'operators')
    expect(common.length).toBeLessThan(actors.length)
    expect(Object.values(sockets.channels).map(({ address }) => address)).toEqual([
      ...common.map(({ contract }) => `/${contract.namespace}`),
      '/catalog',
      '/live',
      '/admin',
      '/verify',
    ])
  })

  it('S2.66 has the twenty operations of the catalogue in /catalog, under their names', () => {
    for (const name of Object.keys(businessCalls))
      expect(sockets.operations[`catalog.${name}`]).toMatchObject({
        action: 'receive',
        'x-socketio': { event: name, ack: true },
        reply: { messages: [{ $ref: expect.stringMatching(/\.ack$/) }] },
      })
  })

  it('has no dangling reference, and its operations use messages of their own channel', () => {
    expect(danglingOf(sockets)).toEqual([])
    for (const [id, { channel, messages, reply }] of Object.entries(sockets.operations)) {
      const { $ref } = channel as { $ref: string }
      for (const used of [...valuesOf(messages, '$ref'), ...valuesOf(reply, '$ref')])
        expect(`${id}: ${String(used)}/`).toContain(`: ${$ref}/`)
    }
  })

  it('has every command and query wherever it can be sent, with its acknowledgement', () => {
    for (const { namespace, name, forOperators } of calls) {
      const ids = channelsOf(namespace, forOperators).map((channel) =>
        channel === namespace ? `${channel}.${name}` : `${channel}.${namespace}.${name}`,
      )
      for (const id of ids)
        expect({ id, ...sockets.operations[id] }).toMatchObject({
          id,
          action: 'receive',
          reply: { messages: [{ $ref: expect.stringMatching(/\.ack$/) }] },
        })
      const others = [`${namespace}.${name}`, `live.${namespace}.${name}`].filter((id) => !ids.includes(id))
      for (const id of others) expect(sockets.operations[id]).toBeUndefined()
    }
  })

  it('has every event of every contract, and those of the protocol', () => {
    for (const { contract } of actors)
      for (const name of Object.keys(contract.events))
        for (const channel of channelsOf(contract.namespace, contract.audience === 'operators'))
          expect({ name, ...sockets.operations[`${channel}.${name}`] }).toMatchObject({
            name,
            action: 'send',
          })
    for (const name of ['subscribe', 'unsubscribe', 'session.refresh'])
      expect(sockets.operations[`live.${name}`]).toMatchObject({ action: 'receive', reply: {} })
    for (const name of ['events', 'position', 'topic.closed', 'closing', 'session.expiring'])
      expect(sockets.operations[`live.${name}`]).toMatchObject({ action: 'send' })
  })
})

describe('what people read', () => {
  it('says what is for operators only', () => {
    expect(rest['tags']).toContainEqual({ name: 'dead-letters', description: 'For operators' })
    expect(documentsPage(actors, routes)).toContain(
      'For operators. Socket.IO: <code>dead-letters.retry</code> in <code>/admin</code>',
    )
    expect(sockets.channels['admin']).toMatchObject({ address: '/admin', summary: expect.any(String) })
  })

  it('the page names every route and event, and loads nothing', () => {
    const page = documentsPage(actors, routes)
    for (const { url } of routes) expect(page).toContain(`<code>${url}</code>`)
    for (const { contract } of actors)
      for (const name of Object.keys(contract.events)) expect(page).toContain(`<code>${name}</code>`)
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|https?:/)
  })

  it('there is a diagram of each machine, with every state', () => {
    const files = generatedFiles(actors, access)
    for (const { contract, machine } of actors) {
      const document = files.get(`docs/machines/${contract.actor}.md`)
      for (const state of Object.keys(machine.states)) expect(document).toContain(`state "${state}" as `)
    }
  })

  it('docs/access.md has every line of the table of who may do what, and explains its states', () => {
    const document = generatedFiles(actors, access).get('docs/access.md')!
    const rows = document.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    const counts = accessTables.map(({ lines, objects }) => lines.length + Object.keys(objects).length)
    expect(rows.length).toBe(counts.reduce((sum, count) => sum + count))
    expect(document).toContain(
      '| published | `getCoursePack` | yes | yes | yes | yes | yes | yes | yes | – |',
    )
    for (const { objects, people } of accessTables)
      for (const words of [people, ...Object.values(objects)])
        for (const [word, about] of Object.entries<string>(words))
          expect(document).toContain(`- **${word}**: ${about}`)
  })
})
