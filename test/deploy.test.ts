import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { http } from './support/http.ts'
import { ROOT, run } from './support/program.ts'
import { aServer } from './support/server.ts'

/** A whole server, and processes of their own, on a machine that may be busy. */
const PATIENTLY = { timeout: 120_000 }

const DASHBOARDS = join(ROOT, 'deploy/grafana/dashboards')

it('every metric of the alerts and the dashboards is one that a server tells', PATIENTLY, async () => {
  const { body } = await http(await aServer())('GET', '/metrics')
  const told = new Map(
    [...String(body).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const),
  )
  const dashboards = (await readdir(DASHBOARDS)).map((name) => join(DASHBOARDS, name))
  for (const file of [join(ROOT, 'deploy/prometheus/alerts.yml'), ...dashboards]) {
    const named = [...(await readFile(file, 'utf8')).matchAll(/\b(?:laurel|nodejs|process)_[a-z0-9_]+/g)]
    expect(named.length).toBeGreaterThan(10)
    const unknown = named.filter(([name]) => {
      const whole = name.replace(/_(?:bucket|sum|count)$/, '')
      return told.get(whole) === 'histogram' ? whole === name : !told.has(name)
    })
    expect([file, unknown.map(([name]) => name)]).toEqual([file, []])
  }
})

it('the health check of the image tells a server that lives from one that does not', PATIENTLY, async () => {
  const dockerfile = await readFile(join(ROOT, 'deploy/Dockerfile'), 'utf8')
  const [, command = ''] = /^HEALTHCHECK [^]*?\bCMD (\[.*\])$/m.exec(dockerfile) ?? []
  const [, ...args] = JSON.parse(command) as string[]
  const server = await aServer()
  const check = () => run(args, { PORT: new URL(server.url).port }).exit
  expect(await check()).toBe(0)
  await server.close()
  expect(await check()).toBe(1)
})
