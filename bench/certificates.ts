import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import type { EventFrame, Reply } from '../contracts/protocol.ts'
import type { CertificateFacts, PageSize } from '../src/certificates/design.ts'
import { renderCertificate } from '../src/certificates/render.ts'
import type { LaurelServer } from '../src/server.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { closedLoop, middle, show } from './load.ts'
import { familyProcessorMs, processorMs } from './processor-time.ts'
import { aHouse, PASSWORD, prepare, serve, signIn } from './processes.ts'
import { record } from './results.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 5_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const EMAIL = 'admin@bench.test'

/** How long a document takes, and how fast certificates get their numbers. */
export const benchCertificates = async () => {
  await documents()
  await numbers()
}

const facts: CertificateFacts = {
  kind: 'course_certificate',
  number: 'CERT-2026-00001',
  holderName: 'Ada Lovelace',
  title: 'First aid at work',
  issuer: 'Laurel Academy',
  issuedAt: '2026-11-28T10:00:00.000Z',
  expiresAt: null,
  link: 'https://laurel.example.org/verify/l/0199d6f0-1111-7abc-8def-0123456789ab.AbCdEfGhIjKlMnOpQrStUv',
}

const NAMES: Readonly<Record<string, string>> = {
  Latin: 'Ada Lovelace',
  '80 letters': 'Wilhelmina Maximiliane Konstanze von Württemberg-Hohenzollern-Sigmaringen, B.Sc.',
  Greek: 'Υπατία η Αλεξανδρινή',
  Cyrillic: 'Софья Васильевна Ковалевская',
  Arabic: 'محمد بن عبد الله الخوارزمي',
  mixed: 'Dr. فاطمة الزهراء O’Neill',
}

/** One after the other, as the thread of a node draws them. */
const documents = async () => {
  const begun = performance.now()
  await renderCertificate(facts, 'a4')
  const firstMs = performance.now() - begun
  record({ label: 'the first one of a thread', ms: firstMs })
  console.log(`the first document of a thread, which opens the fonts: ${firstMs.toFixed(0)} ms`)
  for (const size of ['a4', 'letter'] satisfies PageSize[])
    for (const [label, holderName] of Object.entries(NAMES)) {
      let bytes = 0
      const draw = async () => {
        bytes = (await renderCertificate({ ...facts, holderName }, size)).length
      }
      await closedLoop(1, WINDOW_MS / 10, draw)
      show(`${size}, ${label}`, await closedLoop(1, WINDOW_MS / 2, draw))
      record({ label: `${size}, ${label}, size`, bytes })
    }
}

/** From the command to the push with the number, for many at once. */
const numbers = async () => {
  const postgres = await startPostgres({ fsync: true })
  const { url } = await createDatabase(postgres.url)
  const { orgId, holders } = await prepare(url, someHolders)
  const laurel = await serve(url)
  const socket = io(`${laurel.url}/live`, {
    transports: ['websocket'],
    auth: { token: await signIn(laurel.url, EMAIL) },
  })
  const waiting = listening(socket)
  await answered(socket, 'subscribe', { topics: [`org:${orgId}`] })
  const postmaster = Number(readFileSync(join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  let next = 0
  for (const atOnce of [1, 16, 64]) {
    const runs = []
    let count = 0
    const before = [familyProcessorMs(postmaster), processorMs(laurel.child.pid!)]
    for (let round = 0; round <= ROUNDS; round++) {
      const run = await closedLoop(atOnce, round === 0 ? 1_000 : WINDOW_MS, async () => {
        const id = randomUUID()
        const userId = holders[next++ % holders.length]!
        const issued = new Promise<void>((resolve) => waiting.set(id, resolve))
        await answered(socket, 'certificates.issue', { id, trackId: randomUUID(), title: 'A track', userId })
        await issued
        waiting.delete(id)
        count += 1
      })
      if (round > 0) runs.push(run)
    }
    show(`issued and numbered, ${atOnce} at once`, middle(runs))
    const each = {
      databaseMs: (familyProcessorMs(postmaster) - before[0]!) / count,
      serverMs: (processorMs(laurel.child.pid!) - before[1]!) / count,
    }
    record({ label: `issued and numbered, ${atOnce} at once, processor time`, ...each })
    console.log(
      `    processor time of each: PostgreSQL ${each.databaseMs.toFixed(1)} ms, server ${each.serverMs.toFixed(1)} ms`,
    )
  }
  socket.disconnect()
  await laurel.stop()
  await postgres.stop()
}

/** So that nobody earns more in a run than people do in a life. */
const HOLDERS = 100

const someHolders = async (server: LaurelServer) => {
  await aHouse(server, EMAIL, 0)
  const { accounts, defaultOrgId: orgId } = server
  const aHolder = async (index: number): Promise<string> => {
    const email = `holder${index}@bench.test`
    const roles = ['student'] as const
    const holder = await accounts.createUser({ email, password: PASSWORD, name: 'Holder', orgId, roles })
    if (!holder.ok) throw new Error(holder.error.message)
    return holder.value.id
  }
  const holders: string[] = []
  for (let index = 0; index < HOLDERS; index++) holders.push(await aHolder(index))
  return { orgId, holders }
}

const listening = (socket: Socket) => {
  const waiting = new Map<string, () => void>()
  socket.on('certificate.issued', ({ actor }: EventFrame) => waiting.get(actor.id)?.())
  return waiting
}

const answered = async (socket: Socket, name: string, payload: object) => {
  const reply = (await socket.emitWithAck(name, payload)) as Reply
  if (!reply.ok) throw new Error(`${name}: ${JSON.stringify(reply)}`)
}

if (import.meta.main) {
  await benchCertificates()
  process.exit(0)
}
