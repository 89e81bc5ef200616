import { hash } from 'node:crypto'
import type { TransactionRecord } from './books.ts'
import { ONE_TIME_PASSWORD, SCENARIOS } from './scenarios.ts'

/** Nothing but the page's own style may load, its forms come back here, and nobody may frame it. */
export const pagePolicy = (): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')

export const payPage = (transaction: TransactionRecord, wrong?: string): string =>
  pageOf(
    `Pay ${amountOf(transaction)}`,
    `${wrong === undefined ? '' : alert(wrong)}
${lastTry(transaction)}
${facts(transaction)}
<form method="post" action="/checkout/${text(transaction.accessCode)}">
<fieldset>
<legend>What the card does</legend>
${Object.entries(SCENARIOS)
  .map(
    ([name, { label, brand, last4 }], index) => `<label class="choice">
<input type="radio" name="scenario" value="${name}"${index === 0 ? ' checked' : ''}>
<span>${text(label)}<small>${text(brand)} ending in ${last4}</small></span>
</label>`,
  )
  .join('\n')}
</fieldset>
<div class="buttons">
<button class="pay" name="action" value="pay">Pay ${text(amountOf(transaction))}</button>
<button name="action" value="decline">Decline</button>
<button name="action" value="abandon">Abandon</button>
</div>
</form>`,
  )

export const passwordPage = (transaction: TransactionRecord, wrong?: string): string =>
  pageOf(
    'One-time password',
    `${facts(transaction)}
<form method="post" action="/checkout/${text(transaction.accessCode)}">
<label for="otp">One-time password</label>
<p id="hint">The bank would send it by text message. Here it is always <code>${ONE_TIME_PASSWORD}</code>.</p>
${wrong === undefined ? '' : alert(wrong, 'wrong')}
<input id="otp" name="otp" inputmode="numeric" autocomplete="one-time-code" required maxlength="10"
 aria-describedby="hint${wrong === undefined ? '' : ' wrong'}"${wrong === undefined ? '' : ' aria-invalid="true"'}>
<div class="buttons">
<button class="pay" name="action" value="confirm">Confirm</button>
<button name="action" value="decline" formnovalidate>Decline</button>
<button name="action" value="abandon" formnovalidate>Abandon</button>
</div>
</form>`,
  )

export const resultPage = (transaction: TransactionRecord): string => {
  const { status, gatewayResponse, accessCode } = transaction
  const [title, words] =
    status === 'success'
      ? ['Paid', 'The payment has been made.']
      : status === 'failed'
        ? ['Not paid', `The bank said: ${gatewayResponse}.`]
        : ['Not paid', 'The payment was left unfinished.']
  const again = `<a href="/checkout/${text(accessCode)}">Try again</a>`
  return pageOf(
    title,
    `<p role="status">${text(words)}</p>
${facts(transaction)}
<p class="buttons">${status === 'success' ? '' : again} ${wayBack(transaction)}</p>`,
  )
}

export const missingPage = (): string =>
  pageOf('No such payment', '<p>This address belongs to no payment of this simulator.</p>')

const lastTry = ({ status, gatewayResponse }: TransactionRecord) =>
  status === 'failed' ? `<p role="status">The last try failed: ${text(gatewayResponse)}.</p>` : ''

const alert = (words: string, id?: string) =>
  `<p class="wrong" role="alert"${id === undefined ? '' : ` id="${id}"`}>${text(words)}</p>`

const wayBack = ({ callbackUrl, reference }: TransactionRecord) => {
  if (callbackUrl === null) return ''
  const url = new URL(callbackUrl)
  url.searchParams.set('trxref', reference)
  url.searchParams.set('reference', reference)
  return `<a href="${text(url.href)}">Back to the shop</a>`
}

const facts = ({ amountMinor, currency, email, reference }: TransactionRecord) => `<dl>
<div><dt>Amount</dt><dd>${text(amountOf({ amountMinor, currency }))}</dd></div>
<div><dt>Currency</dt><dd>${text(currency)}</dd></div>
<div><dt>E-mail</dt><dd>${text(email)}</dd></div>
<div><dt>Reference</dt><dd><code>${text(reference)}</code></dd></div>
</dl>`

/** All currencies count in hundredths. */
const amountOf = ({ amountMinor, currency }: Pick<TransactionRecord, 'amountMinor' | 'currency'>) =>
  `${currency} ${(amountMinor / 100).toLocaleString('en', { minimumFractionDigits: 2 })}`

const pageOf = (title: string, content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${text(title)} – Paystack simulator</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="notice"><strong>This is a simulator.</strong> It is not Paystack, and no money moves. It never asks for the number of a card.</p>
<h1>${text(title)}</h1>
${content}
</main>
</body>
</html>
`

const text = (raw: string) => raw.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --soft: light-dark(#5a626b, #a3abb3); --paper: light-dark(#fff, #15181b); --line: light-dark(#868e96, #767e87); --well: light-dark(#f3f5f7, #1e2226); --main: light-dark(#0b57a4, #8ab8f0); --on-main: light-dark(#fff, #10131a); --notice: light-dark(#fff4d6, #3a2f12); --wrong: light-dark(#a3231f, #ff9d97); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
h1 { margin: 1.25rem 0 .75rem; font-size: 1.625rem; line-height: 1.2; }
.notice { margin: 0; padding: .75rem 1rem; border-radius: 6px; background: var(--notice); }
dl { margin: 0 0 1.25rem; padding: .5rem 1rem; border-radius: 6px; background: var(--well); }
dl div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .25rem 0; }
dt { flex: 0 0 6rem; color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9375em ui-monospace, monospace; }
fieldset { margin: 0; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: 6px; }
legend { padding: 0 .375rem; font-weight: 600; }
.choice { display: flex; gap: .75rem; align-items: start; padding: .5rem .25rem; min-height: 2.75rem; cursor: pointer; }
.choice input { flex: none; width: 1.125rem; height: 1.125rem; margin: .25rem 0 0; accent-color: var(--main); }
small { display: block; color: var(--soft); font-size: .875rem; }
label[for] { font-weight: 600; }
input:not([type='radio']) { width: 100%; padding: .625rem .75rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: inherit; font: inherit; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
button, .buttons a { min-height: 2.75rem; padding: .5rem 1.125rem; border: 1px solid var(--line); border-radius: 6px; background: var(--paper); color: var(--ink); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
.pay { border-color: var(--main); background: var(--main); color: var(--on-main); }
.wrong { color: var(--wrong); font-weight: 600; }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
`
