import { parseArgs } from 'node:util'
import { DEMO_PASSWORD } from './demo/accounts.ts'
import { showBadge } from './demo/badge.ts'
import { showCertificate } from './demo/certificate.ts'
import { showCertifications } from './demo/certifications.ts'
import { DemoStopped } from './demo/client.ts'
import { showCourse } from './demo/course.ts'
import { showPayment } from './demo/payment.ts'
import { createScreen } from './demo/screen.ts'

/** `npm run demo`: a client like any other. It knows the server by its address only. */

const USAGE =
  'npm run demo, npm run demo -- badge, certificate, course or payment, and --pay for the last two without a browser'

const main = async () => {
  const { act, pay } = readArguments()
  const url = addressOf(process.env['LAUREL_URL'] ?? 'http://127.0.0.1:3000')
  const password = process.env['LAUREL_DEMO_PASSWORD'] ?? DEMO_PASSWORD
  const screen = createScreen(process.stdout)
  if (act) await ACTS[act]({ url, password, screen, pay })
  else await showCertifications(url, password, screen)
}

const ACTS = {
  payment: showPayment,
  course: showCourse,
  badge: showBadge,
  certificate: showCertificate,
}
type Act = keyof typeof ACTS

const isAct = (word: string | undefined): word is Act => word !== undefined && Object.hasOwn(ACTS, word)

const readArguments = () => {
  const { values, positionals } = parseArgs({
    options: { pay: { type: 'boolean', default: false } },
    allowPositionals: true,
    strict: false,
  })
  const [act] = positionals
  const isKnown =
    Object.keys(values).every((name) => name === 'pay') &&
    positionals.length <= 1 &&
    (act === undefined || isAct(act))
  if (!isKnown || (values.pay === true && act !== 'course' && act !== 'payment'))
    throw new DemoStopped(`There is ${USAGE}.`)
  return { act: isAct(act) ? act : undefined, pay: values.pay === true }
}

const addressOf = (text: string) => {
  if (URL.canParse(text)) return new URL(text).origin
  throw new DemoStopped('LAUREL_URL must be an address, for example LAUREL_URL=http://127.0.0.1:3000')
}

// Whoever pipes this into `head` has seen enough.
process.stdout.on('error', () => process.exit(0))

main().catch((error: unknown) => {
  console.error(error instanceof DemoStopped ? error.message : error)
  process.exitCode = 1
})
