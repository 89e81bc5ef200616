import { parseArgs } from 'node:util'
import { describeRule, runChaos, type ChaosOutcome } from './campaign.ts'
import { BROKEN, BROKEN_NAMES, type BrokenName } from './broken/list.ts'
import { faults, type FaultName } from './faults.ts'

const ALL = Object.keys(faults) as FaultName[]
const USAGE = `npm run chaos -- [--seed N] [--minutes M] [--faults all|${ALL.join(',')}] [--broken all|${BROKEN_NAMES.join('|')}]`
/** How long a broken build runs at most. */
const BROKEN_MINUTES = 0.5

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      minutes: { type: 'string' },
      faults: { type: 'string', default: 'all' },
      broken: { type: 'string' },
      verbose: { type: 'boolean', default: true },
    },
  })
  const seed = Number(values.seed)
  const minutes = Number(values.minutes ?? (values.broken ? BROKEN_MINUTES : 5))
  const chosen = values.faults === 'all' ? ALL : ALL.filter((name) => values.faults.split(',').includes(name))
  const isKnown = values.faults === 'all' || chosen.length === new Set(values.faults.split(',')).size
  const broken =
    values.broken === 'all' ? BROKEN_NAMES : BROKEN_NAMES.filter((name) => name === values.broken)
  if (!Number.isSafeInteger(seed) || !(minutes > 0) || !isKnown || (values.broken && broken.length === 0)) {
    console.error(USAGE)
    process.exit(2)
  }
  return { seed, minutes, faults: chosen, broken: values.broken ? broken : undefined }
}

const { seed, minutes, faults: chosen, broken } = readOptions()
const print = (line: string) => console.log(line)

const explain = ({ violations, folder }: ChaosOutcome) => {
  const [first] = violations
  if (!first) return
  console.error(`VIOLATED ${describeRule(first.rule)}`)
  console.error(first.what)
  const others = [...Map.groupBy(violations.slice(1), ({ rule }) => rule)]
  for (const [rule, list] of others) console.error(`and ${list.length} of ${rule}`)
  console.error(`All of them, and the logs, are in ${folder}`)
}

/** Healthy but for one promise: the checker has to notice. */
const tryBroken = async (name: BrokenName): Promise<boolean> => {
  const { rule, faults: wanted } = BROKEN[name]
  const { violations, folder } = await runChaos({
    seed,
    minutes,
    faults: wanted ?? [],
    broken: name,
    print: () => {},
  })
  const found = violations.find((violation) => violation.rule === rule)
  const all = [...new Set(violations.map((violation) => violation.rule))].join(', ') || 'nothing'
  print(`${found ? 'caught' : 'MISSED'}  ${name}: ${rule} expected, ${all} found`)
  if (found) print(`        ${found.what.slice(0, 400)}`)
  else print(`        see ${folder}`)
  return found !== undefined
}

if (broken) {
  let missed = 0
  for (const name of broken) if (!(await tryBroken(name))) missed++
  print(`${broken.length - missed} of ${broken.length} broken builds caught`)
  process.exit(missed > 0 ? 1 : 0)
}
const startedAt = Date.now()
const outcome = await runChaos({ seed, minutes, faults: chosen, print })
explain(outcome)
print(
  `seed ${seed}: ${minutes} minutes of faults in ${Math.round((Date.now() - startedAt) / 1000)} s, ${outcome.violations.length} violations`,
)
if (outcome.violations.length > 0)
  print(`Again: npm run chaos -- --seed ${seed} --minutes ${minutes} --faults ${chosen.join(',')}`)
process.exit(outcome.violations.length > 0 ? 1 : 0)
