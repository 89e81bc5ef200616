import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { type DatabaseOptions, openDatabase, type Database } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { ConfigError, readConfig } from '../src/config.ts'
import { aDatabaseAddress } from './support/database.ts'
import { ROOT, run } from './support/program.ts'

const SECRET = 'a secret for tests, long enough for anybody'

const PRODUCTION = {
  NODE_ENV: 'production',
  LAUREL_TOKEN_SECRET: SECRET,
  LAUREL_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
}

const LIVE = {
  ...PRODUCTION,
  PAYSTACK_SECRET_KEY: 'sk_live_hunter2hunter2',
}

/** A place for a database that is removed after the test, as settings of a process and as options. */
const aPlace = async () => {
  const { database, remove } = await aDatabaseAddress()
  onTestFinished(remove)
  const settings: Record<string, string> = {
    LAUREL_TOKEN_SECRET: SECRET,
    LAUREL_DEMO: 'off',
    PORT: '0',
    ...('url' in database ? { DATABASE_URL: database.url } : { DATA_DIR: database.folder! }),
  }
  return { database, settings }
}

/** Processes start, one after the other, perhaps on a machine that is busy. */
const PATIENTLY = { timeout: 300_000 }

/** Where `./data` is nobody's. */
const cwd = await mkdtemp(join(tmpdir(), 'laurel-main-'))
afterAll(() => rm(cwd, { recursive: true, force: true }))

const laurel = (settings: Record<string, string>, ...flags: string[]) =>
  run([join(ROOT, 'src/main.ts'), ...flags], settings, { cwd })

/** What it says when it does not start: one line, and an exit code that is not 0. */
const refusalOf = async (settings: Record<string, string>, ...flags: string[]) => {
  const program = laurel(settings, ...flags)
  expect(await program.exit).toBe(1)
  const lines = program
    .output()
    .trim()
    .split('\n')
    .filter((line) => line !== 'Laurel is starting…')
  expect(lines).toEqual([expect.stringMatching(/^Laurel cannot start: /)])
  return lines[0]
}

const aBusyPort = async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

describe('settings', () => {
  const refusal = (environment: NodeJS.ProcessEnv) => {
    try {
      return readConfig(environment) && 'accepted'
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError)
      return (error as ConfigError).message
    }
  }

  it.each([
    [{ PORT: 'http' }, 'PORT: must be a whole number from 0 to 65535, for example PORT=3000'],
    [{ PORT: '65536' }, 'PORT: must be a whole number from 0 to 65535, for example PORT=3000'],
    [{ LAUREL_DEMO: 'yes' }, 'LAUREL_DEMO: must be one of on, off, for example LAUREL_DEMO=off'],
    [{ LAUREL_DEMOO: 'on' }, 'LAUREL_DEMOO: unknown setting; README.md lists all of them'],
    [{ NODE_ENV: 'production', LAUREL_DEMO: 'on', LAUREL_TOKEN_SECRET: SECRET }, /^LAUREL_DEMO: .*refused/],
    [{ NODE_ENV: 'production' }, /^LAUREL_TOKEN_SECRET: is required when NODE_ENV=production/],
    [
      { ...PRODUCTION, LAUREL_ENCRYPTION_KEYS: '' },
      /^LAUREL_ENCRYPTION_KEYS: is required when NODE_ENV=production/,
    ],
    [{ PAYSTACK_URL: 'http://api.paystack.co' }, /^PAYSTACK_URL: must be https unless/],
    [{ PAYSTACK_URL: 'http://127.0.0.1.example.test' }, /^PAYSTACK_URL: must be https unless/],
    [{ PAYSTACK_URL: 'ftp://127.0.0.1' }, /^PAYSTACK_URL: must be a URL/],
    [{ ...LIVE, PAYSTACK_URL: 'http://127.0.0.1:4400' }, /^PAYSTACK_URL: must be https with a live key/],
    [{ ...LIVE, NODE_ENV: 'development' }, /^PAYSTACK_SECRET_KEY: .*refused unless NODE_ENV=production/],
    [{ ...LIVE, NODE_ENV: 'test', LAUREL_DEMO: 'off' }, /^PAYSTACK_SECRET_KEY: .*refused unless/],
    [{ PORT: 'x', LOG_LEVEL: 'loud' }, /^PORT: .*; LOG_LEVEL: .*for example LOG_LEVEL=info$|^LOG_LEVEL: /],
  ])('%j is refused with the rule and an example', (environment, message) =>
    expect(refusal(environment)).toMatch(message),
  )

  it.each(['x', '/x/', '/', '//x', '/a//b', '/a b', '/../x', '/x?y', '/v1', '/api/x'])(
    'S2.4 %j is no base path',
    (path) =>
      expect(refusal({ LAUREL_BASE_PATH: path })).toMatch(
        /^LAUREL_BASE_PATH: must be a path .*for example LAUREL_BASE_PATH=\/tutorcatalog-api$/,
      ),
  )

  it('a refusal never repeats what may be a secret', () => {
    const url = 'mysql://laurel:hunter2hunter2@db.example/laurel'
    expect(refusal({ DATABASE_URL: url, LAUREL_TOKEN_SECRET: 'hunter2' })).not.toContain('hunter2')
    expect(refusal({ PAYSTACK_SECRET_KEY: LIVE.PAYSTACK_SECRET_KEY })).not.toContain('hunter2')
  })

  it('S2.4 take a base path', () => {
    for (const path of ['/tutorcatalog-api', '/tutorhub/tutorcatalog-api', '/a.b_c~1'])
      expect(readConfig({ LAUREL_BASE_PATH: path }).LAUREL_BASE_PATH).toBe(path)
    expect(readConfig({ LAUREL_BASE_PATH: '' }).LAUREL_BASE_PATH).toBe('')
  })

  it('take a live key in production over https, and http on this machine', () => {
    expect(refusal(LIVE)).toBe('accepted')
    for (const host of ['127.0.0.1:4400', '[::1]:4400', 'localhost'])
      expect(refusal({ PAYSTACK_URL: `http://${host}`, PAYSTACK_SECRET_KEY: 'sk_test_hunter2hunter2' })).toBe(
        'accepted',
      )
  })

  it('S2.2 all have a default, and demo data are on except in production', () => {
    expect(readConfig({})).toMatchObject({ HOST: '127.0.0.1', PORT: 3000, LOG_LEVEL: 'warn', demo: true })
    expect(readConfig(PRODUCTION).demo).toBe(false)
    expect(readConfig({ PORT: '', LAUREL_URL: 'http://127.0.0.1:3000' }).PORT).toBe(3000)
  })
})

describe('a start that is refused', () => {
  it('says in one line what is wrong with the settings', async () =>
    expect(await refusalOf({ PORT: 'http' })).toContain('PORT: must be a whole number'))

  it('in production, without a secret', async () =>
    expect(await refusalOf({ NODE_ENV: 'production' })).toContain('LAUREL_TOKEN_SECRET: is required'))

  it('with a live key beside demo accounts', async () =>
    expect(await refusalOf({ ...LIVE, NODE_ENV: 'development' })).toContain('a live key is refused'))

  it('with a flag that it does not know', async () =>
    expect(await refusalOf({}, '--migrate')).toContain(
      'the flags are --roles, --migrate-only and --new-epoch',
    ))

  it('with roles that there are not', async () =>
    expect(await refusalOf({}, '--roles=gateway,cook')).toContain('--roles: must be some of gateway, worker'))

  it('when PostgreSQL cannot be reached', async () => {
    const settings = {
      DATABASE_URL: 'postgres://laurel:hunter2@127.0.0.1:1/laurel',
      LAUREL_TOKEN_SECRET: SECRET,
      LAUREL_START_WAIT_S: '0',
    }
    const line = await refusalOf(settings)
    expect(line).toMatch(/PostgreSQL cannot be reached: .*check DATABASE_URL/)
    expect(line).not.toContain('hunter2')
  })

  it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
    'when its user may not make temporary objects',
    PATIENTLY,
    async () => {
      const { database, settings } = await aPlace()
      const user = `guest_${randomBytes(4).toString('hex')}`
      const { sql, close } = await openDatabase(database, migrations)
      const tell = (text: string) => sql.query({ name: '', text })
      onTestFinished(async () => {
        await tell(`drop owned by ${user}`)
        await tell(`drop role ${user}`)
        await close()
      })
      await tell(`create role ${user} login password 'guest'`)
      const [row] = await sql.query<{ name: string }>({ name: '', text: 'select current_database() as name' })
      await tell(`revoke temporary on database ${row!.name} from public`)
      const url = new URL(settings['DATABASE_URL']!)
      Object.assign(url, { username: user, password: 'guest' })
      expect(await refusalOf({ ...settings, DATABASE_URL: url.href })).toContain(
        'grant temporary on database',
      )
    },
  )

  it('when the port is taken, or the database holds what this build does not know', PATIENTLY, async () => {
    const { database, settings } = await aPlace()
    const first = laurel(settings, '--migrate-only')
    expect(await first.exit).toBe(0)
    // The place may have been prepared with a schema already.
    expect(first.output()).toMatch(/^(Applied \d+ migration\(s\)|The database is up to date)\.\n$/)

    const PORT = String(await aBusyPort())
    expect(await refusalOf({ ...settings, PORT })).toContain(`port ${PORT} is in use`)

    const { sql, close } = await openDatabase(database, migrations)
    await storeActorOf(sql, 'certification@99')
    await close()
    expect(await refusalOf(settings)).toContain('certification@99, which this build does not know')

    const before = await epochOf(database)
    expect(await laurel(settings, '--new-epoch').exit).toBe(0)
    expect(await epochOf(database)).not.toBe(before)

    const later = await openDatabase(database, migrations)
    await later.sql.query({ name: 'later', text: `insert into migration (name) values ('9999-later')` })
    await later.close()
    expect(await refusalOf(settings)).toContain('newer than this build (it has 9999-later)')
  })
})

const storeActorOf = (sql: Database['sql'], machine: string) =>
  sql.query(
    {
      name: 'future_actor',
      text: `insert into certification (id, version, machine, state, snapshot, timers)
        values (gen_random_uuid(), 1, $1, 'valid', '{}', '{}')`,
    },
    [machine],
  )

test(
  'a start says where it is and whom to be, and Ctrl-C and SIGTERM end it cleanly',
  PATIENTLY,
  async () => {
    const { settings } = await aPlace()
    const first = laurel({ ...settings, LAUREL_DEMO: 'on' })
    const [, url] = await first.prints(/Address +(http:\S+)/)
    await first.prints(/Stop +Ctrl-C/)
    expect(first.output()).toMatch(/admin@demo\.laurel\.test[^]*learner@[^]*laurel-demo[^]*npm run demo/)
    expect(first.output()).toMatch(/^ {2}Payments +simulated at http:\/\/127\.0\.0\.1:\d+: no money moves/m)
    expect((await fetch(`${url}/api/auth/user/profile`)).status).toBe(401)
    if (settings['DATA_DIR'])
      expect(await refusalOf(settings)).toContain(`the data folder is in use by process ${first.pid}`)
    first.signal('SIGINT')
    expect(await first.exit).toBe(0)

    const second = laurel({ ...settings, ...PRODUCTION })
    const [line] = await second.prints(/^\{.*"msg":"Laurel is running"\}$/m)
    expect(JSON.parse(line)).toMatchObject({ url: expect.stringContaining('http://127.0.0.1:') })
    second.signal('SIGTERM')
    expect(await second.exit).toBe(0)
  },
)

const epochOf = async (database: DatabaseOptions) => {
  const { sql, close } = await openDatabase(database, migrations)
  const [row] = await sql.query<{ epoch: string }>({ name: 'epoch', text: 'select epoch from journal_head' })
  await close()
  return row?.epoch
}
