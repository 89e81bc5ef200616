import type { LaurelServer } from '../../src/server.ts'

export type HttpRequest = { body?: unknown; headers?: Record<string, string> }

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
export type HttpAnswer = { status: number; headers: Headers; body: any }

export type Http = (method: string, path: string, request?: HttpRequest) => Promise<HttpAnswer>

/** REST calls of one person, or of nobody. A body that is text is sent as it is. */
export const http =
  ({ url }: Pick<LaurelServer, 'url'>, person?: { token: string }): Http =>
  async (method, path, { body, headers } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(person ? { authorization: `Bearer ${person.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

/** Status and code in one word, for long lists of refusals. */
export const outcomeOf = ({ status, body }: HttpAnswer): string => `${status} ${body.error?.code ?? 'ok'}`

/** What a refusal has to look like, with what is particular about it. */
export const refusal = (errorCode: number, code: string, error: object = {}) => ({
  status: errorCode,
  body: { status: 'error', data: null, error: { errorCode, code, ...error } },
})
