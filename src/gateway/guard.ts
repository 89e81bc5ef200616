import type { z } from 'zod'
import { refused, type Refused } from '../../contracts/protocol.ts'
import { hasCardData } from '../redaction.ts'

/** What every incoming payload is held to before anything else looks at it. */

/** One frame, in bytes of UTF-8. */
export const MAX_FRAME_BYTES = 64 * 1024
const MAX_DEPTH = 32

type Fault = { path: (string | number)[]; reason: string }

/** Why a payload is no call's payload; the walk is `findFault`'s. */
export const refusePayload = (payload: unknown): Refused | undefined => {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return refused('invalid_input', 'the payload must be one object', [
      { path: [], reason: 'is not an object' },
    ])
  if (hasCardData(payload)) return CARD_DATA_REFUSED
  const fault = findFault(payload)
  return fault && refused('invalid_input', 'the payload is not acceptable', [fault])
}

/** PCI DSS 3.3.1. It repeats nothing of what was sent, not even the name of a field. */
export const CARD_DATA_REFUSED = refused(
  'pan_not_accepted',
  'card numbers and security codes are not accepted here; only the page of the payment provider asks for them',
)

/** Whether a schema found the number of a card in a text that is kept as it is. */
export const isCardFault = ({ issues }: z.ZodError): boolean =>
  issues.some((issue) => issue.code === 'custom' && issue.params?.['refusal'] === 'pan_not_accepted')

/**
 * Finds what PostgreSQL, JSON or a careless object merge would choke on: depth, NUL, lone surrogates, numbers that were
 * not kept exactly, binary, and keys that mean something to JavaScript. Walks without recursion: nesting may be hostile.
 */
const findFault = (payload: unknown): Fault | undefined => {
  const stack: { value: unknown; path: (string | number)[] }[] = [{ value: payload, path: [] }]
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { value, path } = entry
    const reason = faultOf(value, path.length)
    if (reason) return { path: path.slice(0, 8), reason }
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      if (FORBIDDEN_KEYS.has(key) || textFault(key))
        return { path: path.slice(0, 8), reason: 'has a forbidden key' }
      stack.push({ value: child, path: [...path, Array.isArray(value) ? Number(key) : key] })
    }
  }
  return undefined
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

const faultOf = (value: unknown, depth: number): string | undefined => {
  switch (typeof value) {
    case 'string':
      return textFault(value)
    case 'number':
      if (!Number.isFinite(value)) return 'is not a finite number'
      return Number.isInteger(value) && !Number.isSafeInteger(value)
        ? 'is too large to be kept exactly'
        : undefined
    case 'object':
      if (value === null) return undefined
      if (depth >= MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`
      return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
        ? undefined
        : 'is binary'
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
      return 'is not JSON'
    case 'boolean':
  }
  return undefined
}

const textFault = (text: string): string | undefined => {
  if (text.includes('\0')) return 'contains NUL'
  return text.isWellFormed() ? undefined : 'contains a lone surrogate'
}
