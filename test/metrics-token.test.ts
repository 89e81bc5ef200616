import { expect, it, vi } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { createLogger } from '../src/terminal-log.ts'
import { http, refusal } from './support/http.ts'
import { aServer } from './support/server.ts'

const TOKEN = 'a-token.for~tests+of/the=metrics-only'

/** As from another machine: through a proxy on this one. */
const FROM_ELSEWHERE = { 'x-forwarded-for': '198.51.100.7' }

const withToken = (token: string) => ({ ...FROM_ELSEWHERE, authorization: `Bearer ${token}` })

it('shows numbers to whoever brings the token, and to nobody with another one', async () => {
  const ask = http(await aServer({ metricsToken: TOKEN }))
  const { status, body } = await ask('GET', '/metrics', { headers: withToken(TOKEN) })
  expect([status, body]).toEqual([200, expect.stringContaining('\nlaurel_turns_total 0\n')])
  const others = [
    FROM_ELSEWHERE,
    withToken(`${TOKEN}x`),
    withToken(TOKEN.slice(1)),
    { ...FROM_ELSEWHERE, authorization: TOKEN },
  ]
  for (const headers of others)
    expect(await ask('GET', '/metrics', { headers })).toMatchObject(refusal(401, 'unauthenticated'))
})

it('says in numbers, too, whether it is ready', async () => {
  const server = await aServer()
  const ask = http(server)
  const readiness = async () => /^laurel_ready \d$/m.exec((await ask('GET', '/metrics')).body)?.[0]
  expect(await readiness()).toBe('laurel_ready 1')
  await server.database.sql.query({
    name: 'turn_back',
    text: `delete from migration where name = '0004-mentor'`,
  })
  // What the checks have found is remembered for a second.
  await vi.waitFor(async () => expect(await readiness()).toBe('laurel_ready 0'), {
    timeout: 10_000,
    interval: 200,
  })
})

it('the token opens nothing else', async () => {
  const ask = http(await aServer({ metricsToken: TOKEN }))
  for (const path of ['/api/auth/user/profile', '/api/v1/mentors', '/api/v1/dead-letters'])
    expect(await ask('GET', path, { headers: withToken(TOKEN) })).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
})

it('without the setting no token is good', async () => {
  const ask = http(await aServer())
  for (const token of ['undefined', TOKEN])
    expect(await ask('GET', '/metrics', { headers: withToken(token) })).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
})

it('a token that is too short, or of other letters, is refused at the start and not shown', () => {
  for (const token of ['short', `${TOKEN} with a space`]) {
    const read = () => readConfig({ LAUREL_METRICS_TOKEN: token })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(/^LAUREL_METRICS_TOKEN: must have 32 to 128 /)
    expect(read).not.toThrow(token)
  }
  expect(readConfig({ LAUREL_METRICS_TOKEN: TOKEN }).LAUREL_METRICS_TOKEN).toBe(TOKEN)
})

it('the token does not reach the log', () => {
  const lines: string[] = []
  const logger = createLogger('info', process.stdout, { write: (line) => void lines.push(line) })
  logger.info({ headers: withToken(TOKEN), metricsToken: TOKEN }, `was given Bearer ${TOKEN}`)
  expect(lines.join('')).toContain('was given')
  expect(lines.join('')).not.toContain(TOKEN)
})
