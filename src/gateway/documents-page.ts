import { hash } from 'node:crypto'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { jsonSchema, type JsonSchema } from './json-schema.ts'
import type { RouteDocument } from './route.ts'

/** A page that lists every operation and event: no script, nothing from elsewhere. */
export const documentsPage = (
  definitions: readonly AnyActorDefinition[],
  routes: readonly RouteDocument[],
): string => {
  const groups = Map.groupBy(routes, ({ group }) => group)
  const sections = [...groups].map(([group, own]) =>
    sectionOf(
      group,
      own,
      definitions.find(({ contract }) => contract.namespace === group),
    ),
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Laurel: commands, queries and events</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the operations</a>
<header>
<h1>Laurel</h1>
<p>Commands, queries and live events, over HTTP and Socket.IO.
For machines: <a href="docs/openapi.json">openapi.json</a> (OpenAPI 3.1) and <a href="docs/asyncapi.json">asyncapi.json</a> (AsyncAPI 3.0).</p>
<nav aria-label="Sections">${[...groups.keys()].map((group) => `<a href="#${text(group)}">${text(group)}</a>`).join(' ')}</nav>
</header>
<main id="content">
${INTRODUCTION}
${sections.join('\n')}
</main>
</body>
</html>
`
}

/** Nothing but the page's own style is allowed to load. */
export const pagePolicy = (): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

const INTRODUCTION = `<section aria-labelledby="calls">
<h2 id="calls">How to call</h2>
<ul>
<li>HTTP: <code>Authorization: Bearer &lt;token&gt;</code>. <code>Idempotency-Key</code> makes a retry safe; <code>If-Match: "7"</code> refuses when the actor has moved on.</li>
<li>Socket.IO, WebSocket only: <code>auth: { token }</code> in the handshake, then <code>emit(name, { …fields, commandId? }, ack)</code>. Every call is acknowledged.</li>
<li>In <code>/live</code> every name has its namespace before it, as in <code>certifications.renew</code>. Operators have the same, and more, in <code>/admin</code>.</li>
<li>The catalogue can be read without signing in, over HTTP. In <code>/catalog</code> its operations have names of their own, such as <code>listCoursePacks</code>, beside those of <code>/live</code>.</li>
<li>Live: <code>emit('subscribe', { topics: ['coordinator:…'] }, ack)</code> answers with a snapshot, and the events follow.</li>
</ul>
</section>`

const sectionOf = (
  group: string,
  routes: readonly RouteDocument[],
  definition: AnyActorDefinition | undefined,
): string => `<section aria-labelledby="${text(group)}">
<h2 id="${text(group)}">${text(group)}</h2>
${byPath(routes)
  .map((route) => operationOf(route, definition))
  .join('\n')}
${definition ? eventsOf(definition) : ''}
</section>`

const byPath = (routes: readonly RouteDocument[]) =>
  routes.toSorted((one, other) => (one.url < other.url ? -1 : one.url > other.url ? 1 : 0))

const operationOf = (
  { method, url, summary, operationId, socket, query, body, errors = [] }: RouteDocument,
  definition: AnyActorDefinition | undefined,
): string => {
  const [, name = ''] = operationId.split('.')
  const overSocket =
    definition && (name in definition.contract.commands || name in definition.contract.queries)
  return `<details>
<summary><b class="${method.toLowerCase()}">${method}</b> <code>${text(url)}</code> <span>${text(summary)}</span></summary>
${overSocket ? socketOf(name, operationId, definition) : ''}
${socket ? `<p>Socket.IO: <code>${text(socket.name)}</code> in <code>/${text(socket.namespace)}</code></p>` : ''}
${query ? fieldsOf(jsonSchema(query, 'input'), 'Query') : ''}
${body ? fieldsOf(jsonSchema(body, 'input'), 'Body') : ''}
${errors.length > 0 ? `<p>May refuse with ${errors.map((code) => `<code>${text(code)}</code>`).join(', ')}.</p>` : ''}
</details>`
}

const socketOf = (name: string, operationId: string, { contract }: AnyActorDefinition): string => {
  const qualified = `<code>${text(operationId)}</code>`
  return contract.audience === 'operators'
    ? `<p>For operators. Socket.IO: ${qualified} in <code>/admin</code></p>`
    : `<p>Socket.IO: <code>${text(name)}</code> in <code>/${text(contract.namespace)}</code>, ${qualified} in <code>/live</code></p>`
}

const eventsOf = ({ contract }: AnyActorDefinition): string =>
  Object.entries(contract.events)
    .map(
      ([name, schema]) => `<details>
<summary><b class="event">EVENT</b> <code>${text(name)}</code></summary>
${fieldsOf(jsonSchema(schema as never, 'output'), 'Data')}
</details>`,
    )
    .join('\n')

const fieldsOf = (schema: JsonSchema, caption: string): string => {
  const alternatives = schema.anyOf
  if (alternatives)
    return alternatives
      .filter(({ properties }) => properties)
      .map((one, index) => fieldsOf(one, index === 0 ? caption : `Or`))
      .join('\n')
  const { properties = {}, required = [] } = schema
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      `<tr><th scope="row"><code>${text(name)}</code></th><td>${text(typeOf(field))}</td><td>${required.includes(name) ? 'required' : 'optional'}</td><td>${text(field.description ?? '').replaceAll('`', '')}</td></tr>`,
  )
  if (rows.length === 0) return `<p>${caption}: no fields.</p>`
  return `<table><caption>${caption}</caption><thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">needed</th><th scope="col">meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

const typeOf = ({ type, format, enum: values, anyOf, items }: JsonSchema): string => {
  if (values) return values.join(' | ')
  if (anyOf) return anyOf.map(typeOf).join(' | ')
  if (type === 'array' && items) return `${typeOf(items)}[]`
  return format ?? (Array.isArray(type) ? type.join(' | ') : (type ?? 'anything'))
}

const text = (raw: string) => raw.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --soft: light-dark(#5a626b, #a3abb3); --paper: light-dark(#fff, #15181b); --line: light-dark(#d9dee3, #343a40); --link: light-dark(#0b57a4, #8ab8f0); --well: light-dark(#f3f5f7, #1e2226); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 64rem; margin: 0 auto; padding: 1rem 1.25rem; }
h1 { margin: .5rem 0 0; }
h2 { margin: 2.5rem 0 .75rem; }
h2::first-letter, nav a::first-letter { text-transform: uppercase; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
nav a { display: inline-block; margin-right: 1rem; padding: .25rem 0; }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .375rem 0; }
details[open] { padding-bottom: .5rem; }
details > :not(summary) { margin: .75rem .875rem; }
summary { cursor: pointer; padding: .5rem .875rem; display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
summary::before { content: '\\25b8'; color: var(--soft); }
details[open] > summary::before { content: '\\25be'; }
summary span { color: var(--soft); }
summary b { font: 600 .75rem/1.6 ui-monospace, monospace; min-width: 4rem; text-align: center; border-radius: 4px; color: #fff; }
.get { background: #0a6640; } .post { background: #0b57a4; } .put, .patch { background: #7a4b00; } .delete { background: #a3231f; } .event { background: #5b3a9e; }
table { border-collapse: collapse; width: calc(100% - 1.75rem); }
caption { text-align: left; font-weight: 600; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--soft); border-top: 0; }
td:nth-child(2) { overflow-wrap: anywhere; }
@media (max-width: 40rem) { thead { display: none; } tr { display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid var(--line); } th, td { border: 0; } }
`
