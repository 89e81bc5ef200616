import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createVault } from '../src/vault.ts'

const UNOPENED = /authenticat|initialization vector|not here/i

const aKey = (id: string) => ({ id, key: randomBytes(32) })

it.each(['AUTH_72btv547', '', 'naïve – 🎓', 'x'.repeat(10_000)])(
  'what is sealed opens again: %.20s',
  (text) => {
    const vault = createVault([aKey('k1')])
    expect(vault.open(vault.seal(text))).toBe(text)
  },
)

it('equal texts are sealed differently, and neither shows the text', () => {
  const vault = createVault([aKey('k1')])
  const [one, other] = [vault.seal('AUTH_72btv547'), vault.seal('AUTH_72btv547')]
  expect(one).not.toBe(other)
  expect(one).toMatch(/^v1\.k1\.[\w-]+$/)
  expect(Buffer.from(one.split('.')[2]!, 'base64url').toString('latin1')).not.toContain('72btv547')
})

it('another key does not open it, even under the same name', () => {
  const sealed = createVault([aKey('k1')]).seal('AUTH_72btv547')
  expect(() => createVault([aKey('k1')]).open(sealed)).toThrow(UNOPENED)
  expect(() => createVault([aKey('k2')]).open(sealed)).toThrow(/key that is not here: k1/)
})

it('a text that somebody has changed does not open, wherever it was changed', () => {
  const key = randomBytes(32)
  const vault = createVault([
    { id: 'k1', key },
    { id: 'k2', key },
  ])
  const sealed = vault.seal('AUTH_72btv547')
  const [version, id, body = ''] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64url')
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= 1
    expect(() => vault.open(`${version}.${id}.${changed.toString('base64url')}`)).toThrow(UNOPENED)
  }
  expect(() => vault.open(`${version}.k2.${body}`)).toThrow(UNOPENED)
  expect(() => vault.open(`v2.${id}.${body}`)).toThrow(UNOPENED)
  for (const cut of ['', 'AAAA', body.slice(0, -4)])
    expect(() => vault.open(`${version}.${id}.${cut}`)).toThrow(UNOPENED)
})

it('after a change of keys the old one opens and the new one seals', () => {
  const [old, current] = [aKey('k1'), aKey('k2')]
  const sealed = createVault([old]).seal('AUTH_72btv547')
  const vault = createVault([current, old])
  expect(vault.open(sealed)).toBe('AUTH_72btv547')
  const again = vault.seal(vault.open(sealed))
  expect(again).toMatch(/^v1\.k2\./)
  expect(createVault([current]).open(again)).toBe('AUTH_72btv547')
})

it('a fingerprint is the same for equal texts under one key, and under no other', () => {
  const key = aKey('k1')
  const print = createVault([key]).fingerprint('a')
  expect(createVault([key, aKey('k0')]).fingerprint('a')).toBe(print)
  expect(createVault([key]).fingerprint('b')).not.toBe(print)
  expect(createVault([aKey('k1')]).fingerprint('a')).not.toBe(print)
})
