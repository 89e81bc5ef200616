import { benchEffects } from './effects.ts'
import { benchEngine } from './engine.ts'
import { benchFanout } from './fanout.ts'
import { benchGrowth } from './growth.ts'
import { benchMemory } from './memory.ts'
import { benchNodes } from './nodes.ts'
import { benchSockets } from './sockets.ts'
import { benchColdStart, benchDueTimers } from './storage.ts'

const benches: Record<string, () => Promise<void>> = {
  engine: benchEngine,
  effects: benchEffects,
  sockets: benchSockets,
  timers: benchDueTimers,
  'cold-start': benchColdStart,
  memory: benchMemory,
  fanout: benchFanout,
  nodes: benchNodes,
  growth: benchGrowth,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`no benchmark '${unknown.join(', ')}'; there are ${Object.keys(benches).join(', ')}`)
  process.exit(1)
}
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n== ${name}`)
  await bench()
}
process.exit(0)
