import { benchCatalog } from './catalog.ts'
import { benchCertificates } from './certificates.ts'
import { benchEffects } from './effects.ts'
import { benchEngine } from './engine.ts'
import { benchFanout } from './fanout.ts'
import { benchGrowth } from './growth.ts'
import { benchMemory } from './memory.ts'
import { benchNodes } from './nodes.ts'
import { benchPeers, quickPeers } from './peers/run.ts'
import { benchProfile } from './profile.ts'
import { benchRemoval } from './removal.ts'
import { benchPropagation } from './propagation.ts'
import { begin, writeResults } from './results.ts'
import { benchSockets } from './sockets.ts'
import { benchColdStart, benchDueTimers } from './storage.ts'

const benches: Record<string, () => Promise<void>> = {
  peers: benchPeers,
  profile: benchProfile,
  engine: benchEngine,
  effects: benchEffects,
  sockets: benchSockets,
  timers: benchDueTimers,
  'cold-start': benchColdStart,
  memory: benchMemory,
  fanout: benchFanout,
  nodes: benchNodes,
  growth: benchGrowth,
  catalog: benchCatalog,
  removal: benchRemoval,
  propagation: benchPropagation,
  certificates: benchCertificates,
}

const USAGE = `npm run bench -- --quick       the engines side by side on one screen, in less than three minutes
npm run bench -- --full        everything, about an hour
npm run bench -- NAME…         some of ${Object.keys(benches).join(', ')}`

const wanted = process.argv.slice(2)
const isQuick = wanted.includes('--quick')
const isFull = wanted.includes('--full')
const names = wanted.filter((name) => !name.startsWith('--'))
const unknown = wanted.filter((name) => !(name in benches) && name !== '--quick' && name !== '--full')
if (unknown.length > 0 || (names.length === 0) === (!isQuick && !isFull)) {
  if (unknown.length > 0) console.error(`no benchmark '${unknown.join(', ')}'`)
  console.error(USAGE)
  process.exit(1)
}

if (isQuick) {
  begin('peers')
  await quickPeers()
} else
  for (const [name, bench] of Object.entries(benches)) {
    if (!isFull && !names.includes(name)) continue
    console.log(`\n== ${name}`)
    begin(name)
    await bench()
  }
console.log(`\n${writeResults(isQuick ? 'quick' : isFull ? 'full' : names.join('-'))}`)
process.exit(0)
