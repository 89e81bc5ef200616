import { z } from 'zod'
import { bakePng, bakeSvg } from './bake.ts'
import type { CredentialFacts } from './facts.ts'
import type { Issued } from './issuing.ts'
import { medalPng, medalSvg } from './picture.ts'

/** How a credential can be taken along. */
export const Format = z.enum(['jwt', 'json', 'png', 'svg'])
export type Format = z.output<typeof Format>

export type CredentialFile = { name: string; type: string; body: Buffer | string }

/** The signed credential as a file: by itself, as JSON, or baked into a picture that is worth showing. */
export const fileOf = (format: Format, facts: CredentialFacts, { jws }: Issued): CredentialFile => {
  const name = `${facts.kind === 'badge' ? 'badge' : 'certificate'}.${format}`
  const made = {
    jwt: () => ({ type: 'text/plain; charset=utf-8', body: jws }),
    json: () => ({
      type: 'application/vc+ld+json; charset=utf-8',
      body: JSON.stringify(enveloped(jws)),
    }),
    png: () => ({ type: 'image/png', body: bakePng(medalPng(facts), jws) }),
    svg: () => ({ type: 'image/svg+xml; charset=utf-8', body: bakeSvg(medalSvg(facts), jws) }),
  } satisfies Record<Format, () => Omit<CredentialFile, 'name'>>
  return { name, ...made[format]() }
}

/** JSON whose proof is inside it: the credential's own fields alone would be signed by nobody (VC 2.0, 4.12). */
const enveloped = (jws: string) => ({
  '@context': 'https://www.w3.org/ns/credentials/v2',
  id: `data:application/vc+jwt,${jws}`,
  type: 'EnvelopedVerifiableCredential',
})
