import { hash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { Id } from '../../contracts/scalars.ts'
import type { KeptMessage, MessageBox } from '../notifications/message-box.ts'
import type { BasePath } from './base-path.ts'
import { HttpRefusal, success } from './http-envelope.ts'
import { isLocal, isNamedLocal } from './is-local.ts'

type Dependencies = { box: Pick<MessageBox, 'messages'>; basePath: BasePath; now: () => number }

/**
 * What would have been sent by e-mail, for whoever develops on this machine: registered in development only, and not there
 * for anybody who asks from elsewhere, administrators included, since they read nobody's messages.
 */
export const messageRoutes =
  ({ box, basePath, now }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      if (!isLocal(request) || !isNamedLocal(request.headers)) throw notThere()
      reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    })

    app.get('/dev/messages', async (request, reply) =>
      page(reply, listPage(box.messages(), basePath.before(request)), listPolicy()),
    )
    app.get('/dev/messages.json', async () => success({ items: box.messages() }, now()))
    /** As its recipient would see it. */
    app.get<{ Params: { id: string } }>('/dev/messages/:id', async ({ params }, reply) => {
      const id = Id.safeParse(params.id).data
      const message = box.messages().find((one) => one.id === id)
      if (!message) throw notThere()
      return page(reply, message.html, LETTER_POLICY)
    })
  }

const notThere = () => new HttpRefusal({ code: 'not_found', message: 'there is no such address' })

const page = (reply: FastifyReply, body: string, policy: string) =>
  reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(body)

const COMMON_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
/** A letter has its style in its tags, as mail programs want it, and may do nothing. */
const LETTER_POLICY = `${COMMON_POLICY}; style-src 'unsafe-inline'; sandbox`
const listPolicy = () => `${COMMON_POLICY}; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1rem; max-width: 48rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
li { margin: 0 0 1rem; padding: 1rem; border: 1px solid #8a8a8a; border-radius: 0.5rem; }
ul { padding: 0; list-style: none; }
h2 { margin: 0; font-size: 1.125rem; }
pre { white-space: pre-wrap; font: inherit; }
summary { cursor: pointer; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }
`

const listPage = (messages: readonly KeptMessage[], before: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Messages of this server</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Messages</h1>
<p>No mail server is set (<code>LAUREL_SMTP_URL</code>), so nobody was sent these: the last 100, the newest first, until the server stops. The same as <a href="${before}/dev/messages.json">JSON</a>.</p>
${messages.length === 0 ? '<p>There are none yet. Reload this page when something has happened.</p>' : `<ul>\n${messages.map((one) => itemOf(one, before)).join('\n')}\n</ul>`}
</main>
</body>
</html>
`

const itemOf = ({ id, to, subject, text, language, at }: KeptMessage, before: string): string => `<li>
<h2 lang="${escaped(language)}" dir="auto">${escaped(subject)}</h2>
<p>To <span dir="auto">${escaped(to.name)}</span> &lt;${escaped(to.address)}&gt;, <time datetime="${escaped(at)}">${escaped(at)}</time></p>
<details>
<summary>Text</summary>
<pre lang="${escaped(language)}" dir="auto">${escaped(text)}</pre>
</details>
<p><a href="${before}/dev/messages/${escaped(id)}">As HTML<span lang="${escaped(language)}">: ${escaped(subject)}</span></a></p>
</li>`

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`)
