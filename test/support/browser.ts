import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { chromium, type Browser, type Page } from 'playwright-core'

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)

/** CI never skips: there, a browser that is missing is a failure. */
export const withBrowser = EXECUTABLE !== undefined || process.env['CI'] === 'true'

export const startBrowser = async (): Promise<Browser> => {
  if (EXECUTABLE === undefined) throw new Error('there is no Chromium: apt-get install chromium')
  // Root has no sandbox of its own.
  return chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu'] })
}

/** What axe-core finds, by its rule and the first places. */
export const faultsOf = async (page: Page): Promise<string[]> => {
  // There are no frames, for which it would open another page each time.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`,
  )
}

/** For those who want to look at what the tests see: LAUREL_TEST_SCREENSHOTS names a folder. */
export const lookAt = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['LAUREL_TEST_SCREENSHOTS']
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}
