import { hash } from 'node:crypto'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Read } from '../../actors/ports.ts'
import type { Database } from '../../persistence/database.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createReport } from '../effects/report.ts'
import type { Vault } from '../vault.ts'
import { createAlert } from './alert.ts'
import { createDeliver } from './deliver.ts'
import { createMailer, type MailOptions } from './mail.ts'
import type { MessageBox } from './message-box.ts'
import { createPushAddresses } from './push-address.ts'
import { createWebPush, type VapidOptions } from './web-push.ts'

export type PushOptions = VapidOptions & {
  /** Push services on this machine are allowed, over http, too: for tests and development. */
  loopback?: boolean
}

export type Notifications = {
  /** By the name of the effect. */
  handlers: Readonly<Record<string, EffectHandler>>
  close: () => void
}

type Dependencies = {
  database: Database
  engine: Engine
  read: Pick<Read, 'search'>
  vault: Vault
  /** Absent where nobody knows how others reach this server. */
  links: Pick<VerificationLinks, 'page' | 'file'> | undefined
  mail: MailOptions | undefined
  /** Where there is no mail server: keeps what it would send. */
  box: MessageBox | undefined
  push: PushOptions | undefined
  now: () => number
  random: () => number
}

/** Everything between the machines of deliveries and the outside: a mail server and push services. */
export const createNotifications = ({ mail, box, push, ...deps }: Dependencies): Notifications => {
  const { engine, now } = deps
  const mailer = mail ? createMailer(mail) : box
  const addresses = createPushAddresses(push?.loopback ?? false)
  const provider = push && createWebPush({ ...push, addresses, now })
  const report = createReport(engine, now)
  return {
    handlers: {
      deliver: createDeliver({ ...deps, mailer, provider, report }),
      alert: createAlert({ ...deps, report }),
    },
    close: () => mailer?.close(),
  }
}

/**
 * The same text for the same browser, whichever key has sealed it; nothing for an address where no push would be sent. A
 * hash will do: nobody can guess such an address, or anybody could send pushes there.
 */
export const createPushMark = (vault: Pick<Vault, 'open'>, push: PushOptions | undefined) => {
  const { allowed } = createPushAddresses(push?.loopback ?? false)
  return (sealedEndpoint: string): string | undefined => {
    const address = allowed(vault.open(sealedEndpoint))
    return address === undefined ? undefined : hash('sha256', address, 'base64url')
  }
}
