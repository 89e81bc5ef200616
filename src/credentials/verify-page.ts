import { hash } from 'node:crypto'
import type { CredentialKind, Verification, WatchInput } from '../../contracts/verification.ts'
import { escaped } from './picture.ts'
import { SENTENCES, VERIFY_SCRIPT } from './verify-script.ts'

type Found = {
  verification: Verification
  /** The end of the link, when it was asked for by that. */
  link: string | undefined
  /** What stands before the paths of this server. */
  before: string
}

const KINDS: Record<CredentialKind, string> = {
  badge: 'Badge',
  track_certificate: 'Certificate of a track',
  course_certificate: 'Certificate of a course',
}

/** What is known of one credential. Everything can be read without the script. */
export const foundPage = ({ verification, link, before }: Found): string => {
  const { status, since, kind, title, issuer, number, holder, issuedAt, expiresAt, checkedAt } = verification
  const { headline, about } = SENTENCES[status]
  const watch: WatchInput | undefined =
    link === undefined ? (number === null ? undefined : { number }) : { link }
  const rows: readonly (readonly [string, string])[] = [
    ['Holder', holder === undefined ? '<span class="soft">not shown</span>' : escaped(holder)],
    ['Kind', KINDS[kind]],
    ['Issued by', escaped(issuer)],
    ...(number === null ? [] : [['Number', `<code>${escaped(number)}</code>`] as const]),
    ['Issued', time(issuedAt)],
    ['Valid until', expiresAt === null ? 'without an end' : time(expiresAt, 'expires')],
    ['In this state since', time(since, 'since')],
  ]
  return document(
    `${headline}: ${title}`,
    before,
    `<main${watch ? ` data-watch="${escaped(JSON.stringify(watch))}"` : ''}>
<h1>${escaped(title)}</h1>
<div id="state" data-status="${status}" aria-live="polite">
<p class="headline" id="headline">${headline}</p>
<p id="about">${about}</p>
</div>
<dl>
${rows.map(([term, said]) => `<div><dt>${term}</dt><dd>${said}</dd></div>`).join('\n')}
</dl>
<p class="soft">Read from the issuer’s register at ${time(checkedAt, 'checked')}.</p>
<p class="soft" id="live" role="status"></p>
${link === undefined ? '' : downloads(link, before)}
</main>
${another(before)}`,
  )
}

const downloads = (link: string, before: string) => `<section aria-labelledby="signed">
<h2 id="signed">Verify it yourself</h2>
<p>The same credential, signed by its issuer as an Open Badge 3.0:</p>
<ul class="files">
${(
  [
    ['jwt', 'as a signed token'],
    ['json', 'as JSON'],
    ['png', 'as a picture (PNG)'],
    ['svg', 'as a picture (SVG)'],
  ] as const
)
  .map(
    ([format, words]) =>
      `<li><a href="${before}/verify/l/${escaped(link)}/credential/${format}" download>${words}</a></li>`,
  )
  .join('\n')}
</ul>
</section>`

export const notFoundPage = (before: string): string =>
  document(
    'Not found: verification',
    before,
    `<main>
<h1>Not found</h1>
<div id="state" data-status="unknown">
<p class="headline">No such credential</p>
<p>Nothing here has this number or this link. Compare it letter by letter with what is printed; a link has to be complete.</p>
</div>
</main>
${another(before)}`,
  )

/** Where a number can be typed in. */
export const askPage = (before: string): string =>
  document(
    'Verify a certificate',
    before,
    `<main>
<h1>Verify a certificate</h1>
<p>Type in the number that is printed on it, or follow the link under its square code.</p>
${form(before)}
</main>`,
  )

const another = (before: string) => `<section class="another" aria-labelledby="another">
<h2 id="another">Verify another one</h2>
${form(before)}
</section>`

const form = (before: string) => `<form action="${before}/verify" method="get" role="search">
<label for="number">Number of the certificate</label>
<div class="ask">
<input id="number" name="number" required maxlength="40" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="CERT-2026-00001">
<button>Verify</button>
</div>
</form>`

const MOMENT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' })

const time = (at: string, id?: string) =>
  `<time${id === undefined ? '' : ` id="${id}"`} datetime="${at}">${MOMENT.format(new Date(at))} UTC</time>`

const document = (title: string, before: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${escaped(title)}</title>
<link rel="icon" href="${before}/favicon.ico">
<style>${STYLE}</style>
</head>
<body>
${body}
<script>${VERIFY_SCRIPT}</script>
</body>
</html>
`

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --soft: light-dark(#525a63, #a9b1b9); --paper: light-dark(#f3f5f7, #101316); --card: light-dark(#fff, #1a1e22); --line: light-dark(#d0d6dc, #3a4148); --link: light-dark(#0b57a4, #8ab8f0); --good: light-dark(#0a6640, #7ad3a5); --bad: light-dark(#a3231f, #ff9d97); --wait: light-dark(#7a4b00, #f0c070); --tone: var(--soft); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main, .another { max-width: 40rem; margin: 1rem auto; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 0 0 .5rem; font-size: 1.0625rem; }
p { margin: .25rem 0; }
#state { border-left: .375rem solid var(--tone); padding: .25rem 0 .25rem .875rem; margin: 0 0 1rem; }
#state[data-status=valid] { --tone: var(--good); }
#state[data-status=expired], #state[data-status=suspended] { --tone: var(--wait); }
#state[data-status=revoked], #state[data-status=unknown] { --tone: var(--bad); }
.headline { color: var(--tone); font-size: 1.5rem; font-weight: 700; }
.headline::before { content: '\\2717\\a0' / ''; }
[data-status=valid] .headline::before { content: '\\2713\\a0' / ''; }
[data-status=expired] .headline::before, [data-status=suspended] .headline::before { content: '\\25d1\\a0' / ''; }
dl { margin: 0 0 1rem; }
dl div { display: grid; grid-template-columns: 10rem 1fr; gap: 0 1rem; padding: .375rem 0; border-top: 1px solid var(--line); }
dt, .soft { color: var(--soft); }
dd { margin: 0; }
code { font: .9375em/1.4 ui-monospace, monospace; }
main section { margin-top: 1rem; border-top: 1px solid var(--line); padding-top: 1rem; }
.files { margin: .25rem 0; padding: 0 0 0 1.25rem; }
.files a { display: inline-block; padding: .25rem 0; color: var(--link); }
label { display: block; margin-bottom: .25rem; color: var(--soft); }
.ask { display: flex; gap: .5rem; flex-wrap: wrap; }
input, button { font: inherit; padding: .5rem .75rem; border-radius: 8px; border: 1px solid var(--soft); min-height: 2.75rem; }
input { flex: 1 1 12rem; min-width: 0; background: var(--card); color: var(--ink); }
button { background: var(--link); color: var(--card); border-color: var(--link); font-weight: 600; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media (max-width: 30rem) { main, .another { margin: .5rem; padding: .875rem 1rem; } dl div { grid-template-columns: 1fr; } }
@media print { .another, #live { display: none; } }
`

/** Nothing but the page's own style and script may run, and it talks to nobody but this server. */
export const verifyPolicy = (): string =>
  [
    "default-src 'none'",
    "img-src 'self'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    `script-src 'sha256-${hash('sha256', VERIFY_SCRIPT, 'base64')}'`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
