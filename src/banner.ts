import type { Config } from './config.ts'
import {
  ADMIN_EMAIL,
  CERTIFICATIONS_OF_EACH,
  coordinatorEmail,
  COORDINATORS,
  LEARNER_EMAIL,
  mentorEmail,
  MENTORS,
} from './demo/accounts.ts'
import { ALL_ROLES, type NodeRole } from './roles.ts'

export type BannerFacts = {
  version: string
  url: string
  config: Pick<
    Config,
    | 'DATA_DIR'
    | 'DATABASE_URL'
    | 'REDIS_URL'
    | 'LAUREL_DEMO_PASSWORD'
    | 'PAYSTACK_SECRET_KEY'
    | 'PAYSTACK_URL'
  >
  roles: ReadonlySet<NodeRole>
  /** Absent when there is no simulator. */
  simulatorUrl: string | undefined
  /** What would be sent by e-mail is shown. */
  showMessages?: boolean
  /** Absent when there is no demo data. */
  demoPassword?: string | undefined
}

/** What somebody wants to know who has just started the server: where it is, whom to be, what to do next. */
export const banner = (facts: BannerFacts): string => {
  const { version, url, config, roles, simulatorUrl, showMessages, demoPassword } = facts
  const rows: [string, string][] = [['Address', url], ['Documents', `${url}/docs`], ...databaseRows(config)]
  if (config.REDIS_URL)
    rows.push(['Redis', `at ${new URL(config.REDIS_URL).host}; this node does without it while it is away`])
  if (roles.size < ALL_ROLES.size) rows.push(['Roles', [...roles].join(', ')])
  rows.push(['Payments', paymentsOf(config, simulatorUrl)])
  if (showMessages)
    rows.push([
      'Messages',
      `${url.replace('//0.0.0.0:', '//localhost:')}/dev/messages  (e-mail that nobody is sent)`,
    ])
  if (demoPassword !== undefined) rows.push(...demoRows(url, config, demoPassword))
  else rows.push(['Demo data', 'off'])
  rows.push(['Stop', 'Ctrl-C'])
  const lines = rows.map(([label, text]) => `  ${label.padEnd(11)}${text}`)
  return ['', `Laurel ${version} is running.`, '', ...lines, ''].join('\n')
}

const databaseRows = ({ DATABASE_URL, DATA_DIR }: BannerFacts['config']): [string, string][] => {
  if (DATABASE_URL) {
    const { host, pathname } = new URL(DATABASE_URL)
    return [['Database', `PostgreSQL at ${host}${pathname}`]]
  }
  return [
    ['Database', `PGlite in ${DATA_DIR}`],
    ['', 'It runs without fsync: a power cut may lose the last moments, a crash of Laurel loses nothing.'],
  ]
}

const paymentsOf = (
  { PAYSTACK_SECRET_KEY, PAYSTACK_URL }: BannerFacts['config'],
  simulatorUrl: string | undefined,
) => {
  if (simulatorUrl !== undefined)
    return `simulated at ${simulatorUrl}: no money moves  (docs/paystack-simulator.md)`
  return PAYSTACK_SECRET_KEY === undefined
    ? 'refused: PAYSTACK_SECRET_KEY is not set'
    : `Paystack at ${new URL(PAYSTACK_URL).origin}`
}

const demoRows = (
  url: string,
  { LAUREL_DEMO_PASSWORD }: BannerFacts['config'],
  password: string,
): [string, string][] => {
  const isDefault = LAUREL_DEMO_PASSWORD === undefined
  const address = url === DEFAULT_URL ? '' : `LAUREL_URL=${url} `
  return [
    ['Demo data', `${MENTORS} mentors, ${MENTORS * CERTIFICATIONS_OF_EACH} certifications, a price list`],
    ['Sign in', signIn(ADMIN_EMAIL, 'administrator')],
    ['', signIn(`${short(coordinatorEmail(1))} to ${short(coordinatorEmail(COORDINATORS))}`, 'coordinators')],
    ['', signIn(`${short(mentorEmail(1))} to ${short(mentorEmail(MENTORS))}`, 'mentors')],
    ['', signIn(short(LEARNER_EMAIL), 'a learner')],
    [
      'Password',
      isDefault
        ? `${password}  (the same for all)`
        : 'the one in LAUREL_DEMO_PASSWORD  (npm run demo reads it, too)',
    ],
    ['Try next', `${address}npm run demo  (in a second terminal)`],
    ['', `${address}npm run demo -- badge`],
    ['', `${address}npm run demo -- course`],
    ['', `${address}npm run demo -- certificate`],
    ['', `${address}npm run demo -- payment`],
  ]
}

const signIn = (who: string, what: string) => `${who.padEnd(34)}${what}`

/** All are of one domain, which the first line shows. */
const short = (email: string) => email.replace(/@.*/, '@…')

const DEFAULT_URL = 'http://127.0.0.1:3000'
