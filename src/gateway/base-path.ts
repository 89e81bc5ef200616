import type { FastifyRequest } from 'fastify'

/** Where a proxy that strips nothing puts this server; every route answers below it as it does without it. */
export type BasePath = {
  /** The address that a request means. */
  rewrite: (url: string) => string
  /** What stands before the paths in an answer to this request: the base path when it was asked below it. */
  before: (request: Pick<FastifyRequest, 'url' | 'originalUrl'>) => string
}

/** For the path of `LAUREL_BASE_PATH`, such as `/tutorcatalog-api`; nothing is another name when it is empty. */
export const createBasePath = (path: string): BasePath => ({
  rewrite: (url) => {
    if (path === '' || !url.startsWith(path)) return url
    const rest = url.slice(path.length)
    if (rest.startsWith('/')) return rest
    return rest === '' || rest.startsWith('?') ? `/${rest}` : url
  },
  before: ({ url, originalUrl }) => (url === originalUrl ? '' : path),
})
