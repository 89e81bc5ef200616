import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PATIENCE, aScene, ackOf, refusal } from './support/bad-input-scene.ts'
import { rawClient, signedInRaw } from './support/raw-client.ts'
import { aServer, aTeam, connect } from './support/server.ts'

describe('frames', () => {
  it('that are no Socket.IO packets end their connection', PATIENCE, async () => {
    const { server, client, admin, expectUnharmed } = await aScene()
    const frames: (string | Uint8Array<ArrayBuffer>)[] = [
      '42/live,{',
      '42/live,7{}',
      '42/live,7[]',
      '42/live,7[null]',
      '42/live,7[{}]',
      '42/live,7"text"',
      '42/live,7["mentors.list",{]',
      ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map(
        (name) => `42/live,7["${name}",{}]`,
      ),
      '4',
      '4x',
      '49/live,7["mentors.list"]',
      '44/live,{"message":"x"}',
      `40/live,${JSON.stringify({ token: admin.token })}`,
      '40/mentors,[]',
      '40/mentors,"text"',
      '41/live,{}',
      '43/live,1{}',
      '42/mentors,7["list",{}]',
      '42["mentors.list",{}]',
      // Attachments that are announced, with and without bytes to follow.
      '451-/live,7["mentors.get",{"_placeholder":true,"num":0}]',
      '450-/live,7["mentors.get",{}]',
      '45-/live,7["mentors.get",{}]',
      '4511-/live,7["mentors.get",{}]',
      '451e9-/live,7["mentors.get",{}]',
      '461-/live,7[{"_placeholder":true,"num":0}]',
      new Uint8Array([1, 2, 3]),
      new TextEncoder().encode('42/live,7["mentors.list",{}]'),
      // Acknowledgement ids that no answer could repeat.
      '42/live,99999999999999999999["mentors.list",{}]',
      '42/live,12345678901["mentors.list",{}]',
      '42/live,-1["mentors.list",{}]',
      '42/live,1e9["mentors.list",{}]',
      // Too large, and nothing that could be answered.
      `43/live,7["${'x'.repeat(66_000)}"]`,
      `42/live,7["${'x'.repeat(66_000)}",{}]`,
      `42/live,7${'['.repeat(12_000)}`,
      // Engine.IO's own.
      '',
      '9',
      'x',
      '2probe',
    ]
    for (const frame of frames) {
      const raw = await signedInRaw(server, admin.token)
      raw.send(frame)
      // An answer would be the surprise.
      expect([String(frame).slice(0, 60), await raw.next('43')]).toEqual([
        String(frame).slice(0, 60),
        'closed',
      ])
    }
    await expectUnharmed()
    expect(client.socket.connected).toBe(true)
  })

  it('that come before a namespace is joined end the connection', PATIENCE, async () => {
    const { server, expectUnharmed } = await aScene()
    for (const frame of [
      '42/live,7["mentors.list",{}]',
      '42["x"]',
      '41/live,',
      '43/live,1[]',
      '44/live,{}',
    ]) {
      const raw = await rawClient(server)
      raw.send(frame)
      expect([frame, await raw.next('4')]).toEqual([frame, 'closed'])
    }
    await expectUnharmed()
  })

  it('that are odd and well-formed are answered, or pass', PATIENCE, async () => {
    const { server, admin, expectUnharmed } = await aScene()
    const raw = await signedInRaw(server, admin.token)
    const odd = [
      '42/live,', // No name, and nobody to tell.
      '43/live,1[]', // The answer to a question that nobody asked.
      '42/live,["mentors.list",{}]',
      '42/live,["mentors.pause",{}]',
      '42/live,["nothing",{}]',
      '42/live,["mentors.list",null]',
      '5',
      '6',
      '3x',
    ]
    for (const frame of odd) raw.send(frame)
    raw.send('42/live,7')
    expect(ackOf(await raw.next('43/live,7['))).toMatchObject([refusal('unknown_command')])
    raw.send('42/live,2147483647["mentors.list",{}]')
    expect(ackOf(await raw.next('43/live,2147483647['))).toMatchObject([{ ok: true }])
    await expectUnharmed()
  })

  it('above 64 KiB are refused by name, and 10 MB end the connection', PATIENCE, async () => {
    const { server, admin, client, certificationId, expectUnharmed } = await aScene()
    const reason = 'x'.repeat(65 * 1024)
    expect(await client.call('certifications.suspend', { id: certificationId, reason })).toMatchObject(
      refusal('payload_too_large'),
    )
    expect(await client.call('subscribe', { topics: [reason] })).toMatchObject(refusal('payload_too_large'))
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, index]))
    expect(await client.call('mentors.list', wide)).toMatchObject(refusal('payload_too_large'))
    // Bytes count, not characters.
    expect(await client.call('mentors.list', { after: 'é'.repeat(33 * 1024) })).toMatchObject(
      refusal('payload_too_large'),
    )
    expect(await client.call('mentors.list', { after: 'x'.repeat(60_000) })).toMatchObject(
      refusal('invalid_input'),
    )

    const raw = await signedInRaw(server, admin.token)
    raw.send(`42/live,7["certifications.suspend",{"reason":"${'x'.repeat(10 * 1024 * 1024)}"}]`)
    // The connection may end before the last byte has left, and then without the code.
    expect([1006, 1009]).toContain(await raw.closed)
    expect(client.socket.connected).toBe(true)
    await expectUnharmed()
  })

  it('end the connection when they go on being wrong', PATIENCE, async () => {
    const { server, admin, client, expectUnharmed } = await aScene()
    const wrong: [string, unknown][] = [
      ['nothing.here', {}],
      ['mentors.list', 'text'],
      ['mentors.list', { after: 'a\0b' }],
      ['mentors.list', { after: 'x'.repeat(66_000) }],
    ]
    for (const [name, payload] of wrong) {
      const offender = await connect(server, admin)
      const ended = new Promise((resolve) => offender.socket.once('disconnect', resolve))
      for (let count = 0; count < 25; count++) offender.socket.emit(name, payload)
      expect(await ended).toBe('io server disconnect')
      expect(offender.received).toContainEqual(['closing', { code: 'protocol_error' }])
    }
    // Forms that people fill in wrongly are no protocol errors.
    for (let count = 0; count < 30; count++)
      expect(await client.call('certifications.status', { mentorId: 'x' })).toMatchObject(
        refusal('invalid_input'),
      )
    await expectUnharmed()
  })
})

describe('the transport', () => {
  it('takes WebSockets of its own pages only', PATIENCE, async () => {
    const server = await aServer({ origins: ['https://console.example'] })
    const { admin } = await aTeam(server)
    const connected = (origin: string) => {
      const socket = io(`${server.url}/live`, {
        transports: ['websocket'],
        auth: { token: admin.token },
        extraHeaders: { origin },
        forceNew: true,
        reconnection: false,
      })
      onTestFinished(() => void socket.disconnect())
      return new Promise((resolve) => {
        socket.once('connect', () => resolve(true))
        socket.once('connect_error', () => resolve(false))
      })
    }
    for (const origin of ['https://console.example', server.url]) expect(await connected(origin)).toBe(true)
    for (const origin of [
      'https://evil.example',
      'https://console.example.evil.example',
      'http://console.example',
      'https://console.example:8443',
      'null',
      'file://',
      server.url.replace('127.0.0.1', 'localhost'),
    ])
      expect([origin, await connected(origin)]).toEqual([origin, false])

    for (const path of [
      '/socket.io/?EIO=4&transport=polling',
      '/socket.io/?EIO=4&transport=polling&sid=x',
      '/socket.io/?EIO=3&transport=websocket',
      '/socket.io/?EIO=4&transport=webtransport',
      '/socket.io/',
    ])
      expect([path, (await fetch(server.url + path)).status]).toEqual([path, 400])
    for (const file of ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.js.map'])
      expect((await fetch(`${server.url}/socket.io/${file}`)).status).toBeGreaterThanOrEqual(400)
  })

  it('answers for a forbidden namespace as for one that there is not', PATIENCE, async () => {
    const { server, admin, mentorUser, expectUnharmed } = await aScene()
    for (const { token } of [admin, mentorUser, { token: 'none' }])
      for (const namespace of [
        '/',
        ...(token === admin.token ? [] : ['/admin']),
        '/nowhere',
        '/certification',
        '/live/x',
        '/__proto__',
        '/Live',
      ]) {
        const raw = await rawClient(server)
        raw.send(
          namespace === '/'
            ? `40${JSON.stringify({ token })}`
            : `40${namespace},${JSON.stringify({ token })}`,
        )
        expect(await raw.next('44')).toBe(
          `44${namespace === '/' ? '' : `${namespace},`}{"message":"Invalid namespace"}`,
        )
      }
    await expectUnharmed()
  })
})
