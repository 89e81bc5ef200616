import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Letter } from '../src/notifications/mail.ts'
import { done } from './support/catalog-scene.ts'
import { certificateScene } from './support/certificate-scene.ts'
import { http } from './support/http.ts'
import type { Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = certificateScene({ showMessages: true })
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ admin, payer: learner } = scene.people())
})

const letterOn = (subject: string, { email }: Party = learner): Promise<Letter> =>
  vi.waitFor(async () => {
    const { body } = await http(scene.server())('GET', '/dev/messages.json')
    const found = body.data.items.filter((one: Letter) => one.to.address === email && one.subject === subject)
    expect(found).toHaveLength(1)
    return found[0]
  }, PATIENCE)

const addressesIn = ({ text, html }: Letter) => {
  const inText = text.match(/^https?:\S+$/gm) ?? []
  const inHtml = [...html.matchAll(/href="([^"]*)"/g)].map(([, url]) => url!)
  expect(inHtml).toEqual(inText)
  return inText
}

const json = { headers: { accept: 'application/json' } }

describe('S4.17 e-mails about certificates', () => {
  it('S3.17 lead to the page that cannot be guessed, and to the file, in both parts', async () => {
    const { offeringId } = await scene.completed({ title: 'First aid' })
    const { id } = await scene.issued(offeringId)
    const [page, file] = addressesIn(await letterOn('Your certificate: First aid'))
    expect(page).toMatch(new RegExp(`^${scene.server().url}/verify/l/${id}\\.[\\w-]{22}$`))
    const shown = await (await fetch(page!, json)).json()
    expect(shown).toMatchObject({ data: { status: 'valid', title: 'First aid', holder: learner.email } })
    const headers = { authorization: `Bearer ${learner.token}` }
    const downloaded = await fetch(file!, { headers })
    expect([downloaded.status, downloaded.headers.get('content-type')]).toEqual([200, 'application/pdf'])
  })

  it('tell of each thing that happens to it, and lead to no file of what does not stand', async () => {
    const { offeringId } = await scene.completed({ title: 'Fire safety' })
    const { id } = await scene.issued(offeringId)
    const issued = await letterOn('Your certificate: Fire safety')
    const [page] = addressesIn(issued)
    await done(admin.live, 'certificates.suspend', { id, reason: 'looked at' })
    const suspended = await letterOn('Your certificate is suspended: Fire safety')
    expect(addressesIn(suspended)).toEqual([page])
    await done(admin.live, 'certificates.reinstate', { id })
    const reinstated = await letterOn('Your certificate is valid again: Fire safety')
    expect(addressesIn(reinstated)).toEqual(addressesIn(issued))
    await done(admin.live, 'certificates.revoke', { id, reason: 'fraud' })
    const revoked = await letterOn('Your certificate was revoked: Fire safety')
    expect(addressesIn(revoked)).toEqual([page])
    expect(await (await fetch(page!, json)).json()).toMatchObject({ data: { status: 'revoked' } })
  })
})

describe('S4.17 other e-mails', () => {
  it('lead nowhere, whatever is written in them', async () => {
    const text = `certificate https://example.org/x`
    await done(admin.live, 'notifications.send', {
      recipientId: learner.id,
      topic: 'certificate.issued',
      text,
      data: { title: 'Not one', id: learner.id, url: 'https://example.org/y' },
    })
    const letter = await letterOn('Your certificate: Not one')
    expect(addressesIn(letter)).toEqual([])
  })
})
