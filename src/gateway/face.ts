import { hash } from 'node:crypto'
import { z } from 'zod'
import packageJson from '../../package.json' with { type: 'json' }

/** What stands where, for people and for machines. */
const PLACES = {
  docs: ['/docs', 'Every operation and event, to read'],
  openapi: ['/docs/openapi.json', 'The same for machines: OpenAPI 3.1'],
  asyncapi: ['/docs/asyncapi.json', 'Socket.IO for machines: AsyncAPI 3.0'],
  postman: ['/getPostmanCollection', 'Every request, to import into Postman'],
  currentUser: ['/currentuser', 'Who you are signed in as'],
  health: ['/health', 'Whether the server is alive'],
  ready: ['/ready', 'Whether it may have traffic'],
} as const satisfies Record<string, readonly [string, string]>

export const FaceData = z.object({
  name: z.literal('Laurel'),
  version: z.string(),
  summary: z.string(),
  links: z.record(z.string(), z.string()).describe('Where things are'),
})

const SUMMARY =
  'Learning, credentials and payments: commands, queries and live events over HTTP and Socket.IO'

/** `/` for machines; paths begin with `before`. */
export const faceOf = (before: string): z.output<typeof FaceData> => ({
  name: 'Laurel',
  version: packageJson.version,
  summary: SUMMARY,
  links: Object.fromEntries(Object.entries(PLACES).map(([name, [path]]) => [name, before + path])),
})

/** `/` for people: no script, nothing from elsewhere. */
export const facePage = (before: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Laurel</title>
<link rel="icon" href="${before}/favicon.ico">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Laurel</h1>
<p>${SUMMARY}. Version ${packageJson.version}.</p>
<nav aria-label="What stands where">
<ul>
${Object.values(PLACES)
  .map(([path, about]) => `<li><a href="${before}${path}">${path}</a> <span>${about}</span></li>`)
  .join('\n')}
</ul>
</nav>
</main>
</body>
</html>
`

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c2024, #e6e8ea); --soft: light-dark(#5a626b, #a3abb3); --paper: light-dark(#fff, #15181b); --link: light-dark(#0b57a4, #8ab8f0); }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem 1.25rem; }
ul { list-style: none; padding: 0; }
li { padding: .375rem 0; }
a { color: var(--link); font: .9375em/1.4 ui-monospace, monospace; }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
span { color: var(--soft); display: block; }
`

/** Nothing but the page's own style and the icon is allowed to load. */
export const facePolicy = (): string =>
  [
    "default-src 'none'",
    "img-src 'self'",
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** Browsers name HTML before anything else that they take; whoever takes everything is a program. */
export const isForPeople = (accept = ''): boolean => {
  const wanted = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return { type, weight: weight === undefined ? 1 : Number(weight) || 0 }
  })
  const weightOf = (type: string) => wanted.find((one) => one.type === type)?.weight ?? 0
  return weightOf('text/html') > weightOf('application/json')
}
