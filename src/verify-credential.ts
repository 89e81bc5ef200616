import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createFetch } from './credential-verifier/guarded-fetch.ts'
import type { Check, Verdict } from './credential-verifier/report.ts'
import { verifyCredential, type Report } from './credential-verifier/verify.ts'

const USAGE = `npm run verify-credential -- [options] <file, address, or - for standard input>

  Verifies an Open Badges 3.0 credential of any issuer: a token (.jwt), JSON, or a PNG or SVG with one baked in.

  --email <address>   whether it is the owner's of this address
  --json              the report for machines
  --allow-loopback    addresses of this machine may be asked, and without TLS

  Ends with 0 when it is valid, 1 when it is not, and 2 when that cannot be found out.`

const WORDS: Record<Verdict, string> = {
  valid: 'VALID',
  invalid: 'INVALID: do not trust it',
  revoked: 'REVOKED by its issuer',
  suspended: 'SUSPENDED by its issuer',
  expired: 'EXPIRED',
  not_yet_valid: 'NOT YET VALID',
  not_this_recipient: "SOMEBODY ELSE'S",
  unverifiable: 'CANNOT BE VERIFIED',
}

const SIGNS: Record<Check['outcome'], string> = { passed: '✓', failed: '✗', unknown: '?', noted: '·' }

const main = async (): Promise<number> => {
  const { values, positionals } = readArguments()
  const [source] = positionals
  if (source === undefined || positionals.length > 1) return fail(USAGE)
  const fetchDocument = createFetch({ allowLoopback: values['allow-loopback'] === true })
  const read = await readSource(source, fetchDocument)
  if (!read.ok) return fail(read.reason)
  const report = await verifyCredential(read.body, { fetchDocument, now: Date.now, email: values.email })
  console.log(values.json ? JSON.stringify(report, undefined, 2) : textOf(report))
  return { valid: 0, unverifiable: 2 }[report.verdict as string] ?? 1
}

const readArguments = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      email: { type: 'string' },
      json: { type: 'boolean' },
      'allow-loopback': { type: 'boolean' },
    },
  })

const readSource = async (source: string, fetchDocument: ReturnType<typeof createFetch>) => {
  if (/^https?:\/\//i.test(source)) return fetchDocument(source)
  try {
    return { ok: true as const, body: readFileSync(source === '-' ? 0 : source) }
  } catch (error) {
    return { ok: false as const, reason: (error as Error).message }
  }
}

const textOf = ({ verdict, checks, credential }: Report): string =>
  [
    WORDS[verdict],
    '',
    ...(credential
      ? [
          `  ${printable(credential.title ?? 'without a title')}`,
          `  by ${printable(credential.issuerName ?? 'somebody without a name')}, ${printable(credential.issuerId)}`,
          '',
        ]
      : []),
    ...checks.map(({ name, outcome, text }) => `  ${SIGNS[outcome]} ${name.padEnd(9)} ${printable(text)}`),
  ].join('\n')

/** What strangers have written must not steer the terminal. */
const printable = (text: string) => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')

const fail = (text: string): number => {
  console.error(text)
  return 2
}

process.exitCode = await main().catch((error: unknown) => fail((error as Error).message))
