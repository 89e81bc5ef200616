import { refused, type Refusal, type Refused } from '../contracts/protocol.ts'

/** What is wrong with one field of a command. */

type Fault = { path: readonly string[]; reason: string }

export const invalid = ({ path, reason }: Fault): Refusal => ({
  code: 'invalid_input',
  message: `${path.join('.')}: ${reason}`,
  details: [{ path, reason }],
})

export const invalidField = (name: string, reason: string): Refused => ({
  ok: false,
  error: invalid({ path: [name], reason }),
})

/** A field that is not the caller's to give, which says nothing about the actor itself (C41). */
export const forbiddenField = (name: string, reason = 'is for administrators'): Refused =>
  refused('field_forbidden', `${name}: ${reason}`, [{ path: [name], reason }])

/** The first of these that a payload gives. */
export const firstGiven = <Name extends string>(
  payload: { readonly [One in Name]?: unknown },
  ...names: Name[]
): Name | undefined => names.find((name) => payload[name] !== undefined)
