import type { Browser, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { faultsOf, lookAt, startBrowser, withBrowser } from './support/browser.ts'
import { done } from './support/catalog-scene.ts'
import { aBadge, aCertificate, anIssuer, revoke, type Issuer } from './support/credential-scene.ts'
import { aServer, aUser, connect, type TestServer } from './support/server.ts'

const PATIENCE = { timeout: 240_000 }

const ends: (() => Promise<void>)[] = []
let server: TestServer
let issuer: Issuer
let browser: Browser

beforeAll(async () => {
  if (!withBrowser) return
  server = await aServer({}, (end) => ends.unshift(end))
  issuer = await anIssuer(server, (end) => ends.unshift(async () => end()))
  browser = await startBrowser()
  ends.unshift(() => browser.close())
}, 120_000)
afterAll(async () => {
  for (const end of ends) await end()
})

const another = async (title = 'Night shift & first aid') =>
  aCertificate({ ...issuer, holder: await aUser(server, ['student'], issuer.orgId) }, { title })

/** A page on which nothing may go wrong, unless the test says so. */
const open = async (path: string, options: BrowserContextOptions = {}) => {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(server.url + path)
  return { page, faults, requests }
}

const headline = (page: Page) => page.locator('#state .headline').textContent()

const isNarrow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)

describe.runIf(withBrowser)('the page of a credential', () => {
  it('can be read by everybody: on 360 pixels, light and dark, in every state', PATIENCE, async () => {
    const { id, number, link } = await another()
    const long = await another('W'.repeat(120))
    const pages = [
      ['valid', `/verify/l/${link}`],
      ['long', `/verify/${long.number}`],
      ['missing', '/verify/CERT-2020-00001'],
      ['ask', '/verify'],
      ['suspended', `/verify/${number}`],
      ['revoked', `/verify/${number}`],
    ] as const
    for (const [name, path] of pages) {
      if (name === 'suspended') await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
      if (name === 'revoked') await revoke(issuer.boss, id)
      const { page, faults } = await open(path, { colorScheme: 'light' })
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await lookAt(page, `${name}-${colorScheme}`)
        expect([name, colorScheme, await faultsOf(page)]).toEqual([name, colorScheme, []])
      }
      // A page that is not there is an error to a browser, too.
      const expected = name === 'missing' ? [expect.stringContaining('404')] : []
      expect([name, await isNarrow(page), faults]).toEqual([name, true, expected])
      await page.context().close()
    }
  })

  it('changes by itself when the status does, and says so to those who do not see it', PATIENCE, async () => {
    const { id, number } = await another()
    const { page, faults, requests } = await open(`/verify/${number}`)
    expect(await headline(page)).toBe('Valid')
    await page.getByText('This page changes by itself').waitFor()
    await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
    await page.getByText('The status has changed: Suspended.').waitFor()
    expect(await headline(page)).toBe('Suspended')
    await revoke(issuer.boss, id)
    await page.getByText('The status has changed: Revoked.').waitFor()
    expect(await page.locator('#state').getAttribute('data-status')).toBe('revoked')
    expect(await page.title()).toBe('Revoked: Night shift & first aid')
    expect(await page.locator('#live').getAttribute('role')).toBe('status')
    expect(await faultsOf(page)).toEqual([])
    expect(faults).toEqual([])
    expect(requests.every((address) => address.startsWith(server.url))).toBe(true)
  })

  it('does not go on saying what its holder does not show any more', PATIENCE, async () => {
    const holder = await aUser(server, ['student'], issuer.orgId)
    const { id, link } = await aBadge({ ...issuer, holder })
    const { page, faults } = await open(`/verify/l/${link}`)
    await page.getByText('This page changes by itself').waitFor()
    await done(await connect(server, holder), 'badges.decline', { id })
    await page.getByText('Load the page again').waitFor()
    expect(await headline(page)).toBe('Not shown any more')
    expect([await faultsOf(page), faults]).toEqual([[], []])
  })

  it(
    'tells that it may be old when the connection is lost, and is up to date when it is back',
    PATIENCE,
    async () => {
      const { id, number } = await another()
      const { page } = await open('/verify')
      const connections: WebSocketRoute[] = []
      let isCut = false
      await page.routeWebSocket(/socket\.io/, (connection) => {
        connections.push(connection)
        if (isCut) void connection.close()
        else connection.connectToServer()
      })
      await page.goto(`${server.url}/verify/${number}`)
      await page.getByText('This page changes by itself').waitFor()
      isCut = true
      await connections[0]!.close()
      await page.getByText('What is shown may be old.').waitFor()
      await revoke(issuer.boss, id)
      expect(await headline(page)).toBe('Valid')
      isCut = false
      await page.getByText('This page changes by itself').waitFor()
      expect(await headline(page)).toBe('Revoked')
      expect(connections.length).toBeGreaterThan(1)
    },
  )

  it('needs no script', PATIENCE, async () => {
    const { number, link } = await another()
    const { page } = await open(`/verify/${number}`, { javaScriptEnabled: false })
    expect(await headline(page)).toBe('Valid')
    await page.goto(`${server.url}/verify/l/${link}`)
    expect(await page.getByRole('link', { name: 'as a signed token' }).isVisible()).toBe(true)
    await page.getByLabel('Number of the certificate').fill(number)
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.waitForURL(`**/verify/${number}`)
  })

  it('can be used with the keyboard alone, and shows where one is', PATIENCE, async () => {
    const { number, link } = await another()
    const { page } = await open(`/verify/l/${link}`)
    const passed: string[] = []
    for (let step = 0; step < 6; step++) {
      await page.keyboard.press('Tab')
      passed.push(
        await page.evaluate(() => {
          const focused = document.activeElement as HTMLElement
          const { outlineStyle, outlineWidth } = getComputedStyle(focused)
          return `${focused.id || focused.textContent} ${outlineStyle} ${outlineWidth}`
        }),
      )
    }
    expect(passed).toEqual([
      ...['as a signed token', 'as JSON', 'as a picture (PNG)', 'as a picture (SVG)'].map(
        (name) => `${name} solid 3px`,
      ),
      'number solid 3px',
      'Verify solid 3px',
    ])
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type(number)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/verify/${number}`)
    expect(await headline(page)).toBe('Valid')
  })
})
