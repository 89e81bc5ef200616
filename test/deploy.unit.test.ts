import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import packageJson from '../package.json' with { type: 'json' }
import { readConfig, settingNames } from '../src/config.ts'
import { ROOT } from './support/program.ts'

/** There is no container engine where the tests run: this is what can be known of these files without one. */

type Service = {
  image: string
  user: string
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  depends_on?: Record<string, unknown>
  networks: string[] | Record<string, { ipv4_address: string }>
  ulimits?: { nofile: number }
  stop_grace_period?: string
  healthcheck?: object
  deploy: { resources: { limits: Record<string, unknown> } }
}

const text = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const compose = text('docker-compose.yml')
const example = text('.env.example')
const dockerfile = text('deploy/Dockerfile')
const balancer = text('deploy/haproxy/haproxy.cfg')
const { services, volumes } = parse(compose, { merge: true }) as {
  services: Record<string, Service>
  volumes: object
}
const nodes = Object.keys(services).filter((name) => services[name]!.image.startsWith('laurel:'))
const node = services[nodes[0]!]!

const examples = new Map(
  [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
)

/** As Compose fills a value in, from `.env.example` with `made` in it. */
const filled = (value: string, made: Record<string, string>) =>
  value.replaceAll(/\$\{(\w+)(?::[?-]([^}]*))?\}/g, (_, name: string, otherwise = '') =>
    String(made[name] || examples.get(name) || otherwise),
  )

const secrets = {
  LAUREL_ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  POSTGRES_PASSWORD: 'a'.repeat(64),
  REDIS_PASSWORD: 'b'.repeat(64),
  LAUREL_TOKEN_SECRET: 'c'.repeat(64),
  LAUREL_METRICS_TOKEN: 'd'.repeat(64),
}

const environmentOf = (made: Record<string, string>) => ({
  ...Object.fromEntries(
    [...dockerfile.matchAll(/\b(NODE_ENV|HOST|PORT)=(\S+)/g)].map(([, name, value]) => [name, value]),
  ),
  ...Object.fromEntries(
    Object.entries(node.environment!).map(([name, value]) => [name, filled(value, made)]),
  ),
})

describe('docker-compose.yml', () => {
  it('gives the nodes settings that they accept, without payments and with them', () => {
    expect(readConfig(environmentOf(secrets))).toMatchObject({
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PORT: 3000,
      DATABASE_URL: `postgres://laurel:${secrets.POSTGRES_PASSWORD}@postgres:5432/laurel`,
      REDIS_URL: `redis://:${secrets.REDIS_PASSWORD}@redis:6379/0`,
      demo: false,
    })
    const paid = {
      ...secrets,
      PAYSTACK_SECRET_KEY: 'sk_test_deployment',
    }
    expect(readConfig(environmentOf(paid)).LAUREL_ENCRYPTION_KEYS).toHaveLength(1)
  })

  it('asks for what .env.example explains, and for nothing else', () => {
    const asked = new Set([...compose.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name!))
    expect([...examples.keys()].toSorted()).toEqual([...asked].toSorted())
    const required = [...compose.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => examples.get(name!))
    expect(new Set(required)).toEqual(new Set(['']))
  })

  it.each(Object.entries(services))('%s runs with as little as it needs', (name, service) => {
    expect(service).toMatchObject({
      restart: 'unless-stopped',
      init: true,
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(service.user).toMatch(/^(?!root|0)/)
    expect(filled(service.image, {})).toMatch(/:v?\d+\.\d+/)
    const { limits } = service.deploy.resources
    expect(limits).toEqual({ cpus: expect.any(String), memory: expect.any(String), pids: expect.any(Number) })
    expect(service.healthcheck ?? (nodes.includes(name) && /^HEALTHCHECK /m.test(dockerfile))).toBeTruthy()
    for (const other of Object.keys(service.depends_on ?? {})) expect(services).toHaveProperty(other)
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':')
      if (source.startsWith('.')) expect(existsSync(join(ROOT, source)) && volume.endsWith(':ro')).toBe(true)
      else expect(volumes).toHaveProperty(source)
    }
  })

  it('runs at least two nodes, of this version, and gives them the time that they take to stop', () => {
    expect(nodes.length).toBeGreaterThanOrEqual(2)
    for (const name of nodes) expect(filled(services[name]!.image, {})).toBe(`laurel:${packageJson.version}`)
    const [, patience] = /SIGTERM: (\d+)_000/.exec(text('src/stop.ts')) ?? []
    expect(Number.parseInt(node.stop_grace_period!, 10)).toBeGreaterThan(Number(patience))
  })

  it('keeps Redis from throwing away single keys, and PostgreSQL from losing what was acknowledged', () => {
    expect(services['redis']!.command!.join(' ')).toContain('--maxmemory-policy noeviction')
    expect(services['postgres']!.command).toEqual(
      expect.arrayContaining(['-cfsync=on', '-csynchronous_commit=on', '-cfull_page_writes=on']),
    )
  })
})

describe('the load balancer', () => {
  const { environment, networks, ulimits } = services['load-balancer']!

  it('knows every node, and is believed by all of them', () => {
    const known = Object.entries(environment!).filter(([name]) => name.startsWith('LAUREL_NODE_'))
    expect(known.map(([, address]) => address)).toEqual(nodes.map((name) => `${name}:3000`))
    const used = [...balancer.matchAll(/^ +server \S+ "\$\{(\w+)\}"/gm)].map(([, name]) => name)
    expect(used).toEqual(known.map(([name]) => name))
    const { front } = networks as Record<string, { ipv4_address: string }>
    expect(environmentOf(secrets)).toMatchObject({ LAUREL_TRUSTED_PROXIES: front!.ipv4_address })
  })

  it('waits longer for a socket than the server does, and may open as many as it takes', () => {
    const { pingInterval, pingTimeout } = Object.fromEntries(
      [...text('src/gateway/sockets.ts').matchAll(/(pingInterval|pingTimeout): ([\d_]+)/g)].map(
        ([, name, ms]) => [name!, Number(ms!.replaceAll('_', ''))],
      ),
    )
    const [, seconds] = /timeout tunnel (\d+)s/.exec(balancer) ?? []
    expect(Number(seconds) * 1000).toBeGreaterThan(pingInterval! + pingTimeout!)
    const [, most] = /^ +maxconn (\d+)/m.exec(balancer) ?? []
    // Each connection has two sides; a few more are its own.
    expect(ulimits!.nofile).toBeGreaterThan(2 * Number(most) + 100)
  })

  it.runIf(spawnSync('haproxy', ['-v']).status === 0)('reads its configuration', () => {
    const env = {
      PATH: process.env['PATH'],
      LAUREL_BIND: ':8080',
      LAUREL_NODE_1: '[::1]:1',
      LAUREL_NODE_2: '[::1]:2',
    }
    execFileSync('haproxy', ['-c', '-q', '-f', 'deploy/haproxy/haproxy.cfg'], {
      cwd: ROOT,
      env,
      stdio: 'pipe',
    })
  })
})

describe('the image', () => {
  it('has the Node that the tests run on, and starts it as npm start does', () => {
    const bases = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version)
    expect(new Set(bases)).toEqual(new Set([packageJson.devDependencies.node]))
    const [, entrypoint = ''] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? []
    expect((JSON.parse(entrypoint) as string[]).join(' ')).toBe(packageJson.scripts.start)
    expect(dockerfile).toMatch(/^USER node$/m)
  })

  it('copies what is there, and what .dockerignore lets through', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names]) =>
      names!.split(' '),
    )
    const allowed = [...text('.dockerignore').matchAll(/^!(.*)$/gm)].map(([, name]) => name!)
    expect([...new Set(copied)].toSorted()).toEqual(allowed.toSorted())
    expect(copied.filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  })
})

describe('Prometheus and Grafana', () => {
  const prometheus = parse(text('deploy/prometheus/prometheus.yml')) as {
    rule_files: string[]
    scrape_configs: { authorization: { credentials_file: string }; static_configs: { targets: string[] }[] }[]
  }

  it('ask every node, with the token', () => {
    const [{ authorization, static_configs }] = prometheus.scrape_configs as [
      (typeof prometheus.scrape_configs)[number],
    ]
    expect(static_configs.flatMap(({ targets }) => targets)).toEqual(nodes.map((name) => `${name}:3000`))
    expect(services['prometheus']!.entrypoint!.join('\n')).toContain(`> ${authorization.credentials_file}\n`)
    for (const file of prometheus.rule_files)
      expect(existsSync(join(ROOT, 'deploy/prometheus', file))).toBe(true)
  })

  it('have alerts that say what to do, and a dashboard whose every panel is explained', () => {
    const { groups } = parse(text('deploy/prometheus/alerts.yml')) as {
      groups: { rules: { alert: string; labels: object; annotations: object }[] }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    for (const { labels, annotations } of rules) {
      expect(labels).toEqual({ severity: expect.stringMatching(/^(page|ticket)$/) })
      expect(annotations).toEqual({ summary: expect.any(String), description: expect.any(String) })
    }
    const sources = text('deploy/grafana/provisioning/datasources/prometheus.yml')
    const [{ uid }] = (parse(sources) as { datasources: [{ uid: string }] }).datasources
    for (const file of readdirSync(join(ROOT, 'deploy/grafana/dashboards'))) {
      const { panels } = JSON.parse(text(`deploy/grafana/dashboards/${file}`)) as { panels: Panel[] }
      const shown = panels.filter(({ type }) => type !== 'row')
      expect(shown.filter(({ description }) => !description).map(({ title }) => title)).toEqual([])
      expect(new Set(shown.map(({ datasource }) => datasource?.uid))).toEqual(new Set([uid]))
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    }
  })
})

type Panel = { id: number; type: string; title: string; description?: string; datasource?: { uid: string } }

it('docs/deployment.md names files, services and settings that there are', () => {
  const guide = text('docs/deployment.md')
  const linked = [...guide.matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)].map(([, path]) => path!)
  expect(linked.filter((path) => !existsSync(join(ROOT, 'docs', path)))).toEqual([])
  const named = [...guide.matchAll(/\b(?:--rm|--wait|exec(?: -T)?|restart) ([a-z][\w-]+)/g)].map(
    ([, name]) => name!,
  )
  expect(named.filter((name) => !(name in services))).toEqual([])
  const settings = [...guide.matchAll(/\bLAUREL_[A-Z\d_]+/g)].map(([name]) => name)
  const known = [...settingNames, ...examples.keys(), ...Object.keys(services['load-balancer']!.environment!)]
  expect(settings.filter((name) => !known.includes(name))).toEqual([])
})
