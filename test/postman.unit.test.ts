import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { openApi } from '../src/gateway/open-api.ts'
import { otherRoutes } from '../src/gateway/other-routes.ts'
import { postmanCollection } from '../src/gateway/postman-collection.ts'
import { routesOf } from '../src/gateway/routes.ts'

const routes = [...routesOf(actors), ...otherRoutes]
const rest = openApi(actors, routes)

describe('S2.3 the Postman collection', () => {
  const collection = postmanCollection(rest, 'https://laurel.test/tutorcatalog-api')
  type Item = {
    name: string
    request: {
      method: string
      auth?: { type: string }
      url: { raw: string; path: string[]; variable: { key: string }[]; query: { key: string }[] }
      body?: { raw: string; options: { raw: { language: string } } }
    }
  }
  const items = collection.item.flatMap(({ item }) => item as Item[])

  it('has every operation once, in the folder of its heading', () => {
    expect(collection.info.schema).toBe(
      'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    )
    expect(collection.item.map(({ name }) => name)).toEqual(rest.tags.map(({ name }) => name))
    const found = items.map(({ request }) => `${request.method} ${request.url.raw}`)
    const expected = routes.map(({ method, url }) => `${method} {{baseUrl}}${url}`)
    expect(found.toSorted()).toEqual(expected.toSorted())
  })

  it('names what stands in a path, signs in where that is needed, and has bodies that can be read', () => {
    for (const { name, request } of items) {
      expect(name.length).toBeGreaterThan(0)
      const variables = request.url.path.filter((part) => part.startsWith(':')).map((part) => part.slice(1))
      expect(request.url.variable.map(({ key }) => key)).toEqual(variables)
      if (request.body?.options.raw.language === 'json') JSON.parse(request.body.raw)
    }
    const login = items.find(({ request }) => request.url.raw.endsWith('/api/auth/user/login'))!
    expect(login.request.auth).toEqual({ type: 'noauth' })
    expect(JSON.parse(login.request.body!.raw)).toEqual({ email: expect.any(String), password: 'text' })
    const packs = items.find(
      ({ request: { url, method } }) => url.raw.endsWith('/v1/coursepacks') && method === 'GET',
    )!
    expect(packs.request.auth).toBeUndefined()
    expect(packs.request.url.query.map(({ key }) => key)).toEqual(
      expect.arrayContaining([
        'tutorProfileId',
        'courseTitle',
        'category',
        'scheduling',
        'published',
        'moderationStatus',
      ]),
    )
  })
})
