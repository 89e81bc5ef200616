import type { NotificationData } from '../../contracts/notification.ts'
import type { Language, NotificationSettings } from '../../contracts/preference.ts'
import type { LetterLink } from './addresses.ts'
import { ar } from './languages/ar.ts'
import { en } from './languages/en.ts'
import { fr } from './languages/fr.ts'
import { factsOf, instantIn, type Message, type Texts } from './languages/texts.ts'
import type { Letter } from './mail.ts'

const TEXTS: Record<Language, Texts> = { en, fr, ar }

/** What is told, to whom, and how that person is told things. */
export type Told = {
  topic: string
  text: string
  data: NotificationData
  createdAt: string
  settings: Pick<NotificationSettings, 'language' | 'timeZone'>
}

/** In the recipient's language, or as it was written when there is no template that has all it needs. */
export const messageOf = ({ topic, text, data, settings }: Told): Message => {
  const { topics, direction, news } = TEXTS[settings.language]
  const template = Object.hasOwn(topics, topic) ? topics[topic] : undefined
  return template?.(factsOf(data, { ...settings, direction })) ?? { title: news, lines: text.split(/\n+/) }
}

/** As the recipient's mail program shows it, with and without HTML. */
export const letterOf = (
  told: Told,
  name: string,
  links: readonly LetterLink[] = [],
): Pick<Letter, 'subject' | 'text' | 'html' | 'language'> => {
  const { language } = told.settings
  const { greeting, reason, at, direction, links: labels } = TEXTS[language]
  const { title, lines } = messageOf(told)
  const foot = `${at(instantIn(Date.parse(told.createdAt), told.settings))} ${reason}`
  const body = [greeting(name), ...lines]
  const anchors = links.map(({ kind, url }) => `<a href="${escaped(url)}">${escaped(labels[kind])}</a>`)
  const paragraphs = [...body.map(escaped), ...anchors]
    .map((line) => `<p style="margin:0 0 16px">${line}</p>`)
    .join('\n        ')
  const addresses = links.map(({ kind, url }) => `${labels[kind]}:\n${url}`)
  const html = `<!doctype html>
<html lang="${language}" dir="${direction}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escaped(title)}</title>
  </head>
  <body style="margin:0;padding:24px 16px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;font-size:16px;line-height:1.5">
    <div role="article" lang="${language}" dir="${direction}" style="max-width:560px;margin:0 auto">
      <h1 style="font-size:22px;line-height:1.3;margin:0 0 24px">${escaped(title)}</h1>
      <div>
        ${paragraphs}
      </div>
      <p style="margin:32px 0 0;padding-top:16px;border-top:1px solid #8a8a8a;font-size:13px">${escaped(foot)}</p>
    </div>
  </body>
</html>
`
  return {
    subject: title,
    text: `${[title, ...body, ...addresses].join('\n\n')}\n\n-- \n${foot}\n`,
    html,
    language,
  }
}

/** A push is encrypted whole, and push services take 4,096 bytes. */
const MOST_LETTERS = 600

/** What the page's service worker gets. */
export const pushPayloadOf = (told: Told, ids: { notificationId: string; deliveryId: string }): string => {
  const { language } = told.settings
  const { title, lines } = messageOf(told)
  return JSON.stringify({
    ...ids,
    topic: told.topic,
    title: shortened(title, 120),
    body: shortened(lines.join('\n'), MOST_LETTERS),
    lang: language,
    dir: TEXTS[language].direction,
    createdAt: told.createdAt,
  })
}

const shortened = (text: string, most: number): string => {
  const letters = Array.from(text)
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join('')}…`
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.codePointAt(0)};`)
