import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/**
 * The first version of each package that is free of the advisories known for it, or the version that every copy must
 * have exactly. A package that nothing depends on passes, unless the server cannot do without it.
 */
const FLOORS: { name: string; atLeast: string; because: string; required?: true }[] = [
  { name: 'socket.io', atLeast: '4.6.2', because: 'CVE-2024-38355', required: true },
  { name: 'socket.io-parser', atLeast: '4.2.7', because: 'CVE-2026-33151, CVE-2026-69185', required: true },
  { name: 'engine.io', atLeast: '6.6.9', because: 'CVE-2026-59725, GHSA-gr94-w7qr-f4j3', required: true },
  {
    name: 'ws',
    atLeast: '8.21.1',
    because: 'CVE-2026-45736, CVE-2026-48779, CVE-2026-62389',
    required: true,
  },
  {
    name: 'jsonwebtoken',
    atLeast: '9.0.3',
    because: 'CVE-2022-23539 to 23541, CVE-2025-65945',
    required: true,
  },
  { name: 'jws', atLeast: '4.0.1', because: 'CVE-2025-65945', required: true },
  { name: 'pdfmake', atLeast: '0.3.6', because: 'CVE-2025-11362, CVE-2026-26801' },
  {
    name: 'nodemailer',
    atLeast: '9.1.1',
    because: 'CVE-2025-14874, GHSA-c7w3-x93f-qmm8, GHSA-vvjj-xcjg-gr5g',
  },
  { name: 'cron-parser', atLeast: '4.9.0', because: 'its luxon before that: CVE-2023-22467' },
  { name: 'luxon', atLeast: '3.2.1', because: 'CVE-2023-22467' },
]

/** CVE-2026-34220 and CVE-2026-44680 are fixed here, and the drivers accept exactly one version of the core. */
const MIKRO_ORM = '7.2.1'

type Locked = { version: string; integrity?: string; resolved?: string; link?: boolean }

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Locked>
}
const installed = Object.entries(lock.packages)
  .filter(([path]) => path !== '')
  .map(([path, entry]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    ...entry,
  }))

describe('the lock file', () => {
  it.each(FLOORS)('has no $name below $atLeast ($because)', ({ name, atLeast, required }) => {
    const versions = installed.filter((entry) => entry.name === name).map((entry) => entry.version)
    expect(versions.filter((version) => isBelow(version, atLeast))).toEqual([])
    expect(versions.length).toBeGreaterThanOrEqual(required ? 1 : 0)
  })

  it(`has every @mikro-orm package at ${MIKRO_ORM}`, () => {
    const versions = installed
      .filter((entry) => entry.name.startsWith('@mikro-orm/'))
      .map((entry) => entry.version)
    expect([...new Set(versions)]).toEqual([MIKRO_ORM])
  })

  it('takes every package from a registry, with a checksum', () => {
    const foreign = installed.filter(
      ({ integrity, resolved = 'https:', link }) =>
        link || !integrity?.startsWith('sha512-') || !resolved.startsWith('https:'),
    )
    expect(foreign).toEqual([])
  })
})

describe('comparing versions', () => {
  it.each([
    ['8.21.0', '8.21.1', true],
    ['8.9.9', '8.21.1', true],
    ['7.4.6', '8.21.1', true],
    ['8.21.1-rc.1', '8.21.1', true],
    ['8.21.1', '8.21.1', false],
    ['8.21.3', '8.21.1', false],
    ['10.0.0', '9.1.1', false],
  ])('%s is below %s: %s', (version, floor, expected) => expect(isBelow(version, floor)).toBe(expected))
})

/** A prerelease of the floor is below it. */
function isBelow(version: string, floor: string): boolean {
  const [release = '', prerelease] = version.split('-', 2)
  const numbers = release.split('.').map(Number)
  const difference = floor
    .split('.')
    .map((part, index) => (numbers[index] ?? 0) - Number(part))
    .find((value) => value !== 0)
  return difference === undefined ? prerelease !== undefined : difference < 0
}
