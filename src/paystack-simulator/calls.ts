import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Agenda } from './agenda.ts'
import type { CallRule, Endpoint, Faults } from './faults.ts'
import { ApiRefusal } from './refusal.ts'
import { refuseCards } from './requests.ts'
import { Failure } from './shapes.ts'
import type { Webhooks } from './webhooks.ts'

/** One call of the API, as the tests see it afterwards. It has nothing of the body. */
export type CallEntry = {
  endpoint: Endpoint
  reference?: string
  at: number
  status?: number
  fault?: CallRule['fault']
}

type Answer = { status: number; body: object; headers?: Record<string, string> }
/** What an endpoint does, all at once; a refusal is thrown. */
export type Work = (request: FastifyRequest) => object

export type Calls = {
  handler: (
    endpoint: Endpoint,
    work: Work,
  ) => (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
  log: () => readonly CallEntry[]
}

type Dependencies = {
  faults: Faults
  webhooks: Webhooks
  agenda: Agenda
  moving: () => number
  secretKey: string
  now: () => number
}

const REMEMBERED = 10_000

/** Carries calls out, or lets them go wrong in the way that a rule says. */
export const createCalls = (dependencies: Dependencies): Calls => {
  const { faults, agenda, secretKey, now } = dependencies
  const log: CallEntry[] = []
  const handler: Calls['handler'] = (endpoint, work) => async (request, reply) => {
    const reference = referenceIn(request)
    const entry: CallEntry = { endpoint, at: now(), ...(reference === undefined ? {} : { reference }) }
    if (log.length === REMEMBERED) log.shift()
    log.push(entry)
    const send = ({ status, body, headers = {} }: Answer) => {
      entry.status = status
      return reply.code(status).headers(headers).send(body)
    }
    if (request.headers.authorization !== `Bearer ${secretKey}`)
      return send({ status: 401, body: Failure.parse({ status: false, message: 'Invalid key' }) })
    const carryOut = () => answerOf(() => (refuseCards(request.body), work(request)))
    const rule = faults.forCall(endpoint, reference)
    if (!rule) return send(carryOut())
    entry.fault = rule.fault
    if (isCut(rule)) {
      if (rule.work === 'done') carryOut()
      if (rule.work === 'late') agenda.after(rule.lateMs, carryOut)
      return cut(rule, reply, send)
    }
    if (rule.fault === 'malformed') return reply.type('application/json').send(halfOf(carryOut()))
    return send(await distorted(rule, carryOut, dependencies))
  }
  return { handler, log: () => log }
}

type Cut = Extract<CallRule, { fault: 'error' | 'reset' | 'silence' }>
const isCut = (rule: CallRule): rule is Cut =>
  rule.fault === 'error' || rule.fault === 'reset' || rule.fault === 'silence'

/** What the caller is left with, whether the work was done or not. */
const cut = (rule: Cut, reply: FastifyReply, send: (answer: Answer) => unknown): unknown => {
  if (rule.fault === 'error') {
    const { status, message, code } = rule
    const type = status < 500 ? 'validation_error' : 'api_error'
    return send({ status, body: Failure.parse({ status: false, message, type, ...(code && { code }) }) })
  }
  reply.hijack()
  // After a silence the connection stays until the other side gives up, or the simulator stops.
  if (rule.fault === 'reset') reply.raw.socket?.resetAndDestroy()
  return undefined
}

const distorted = async (
  rule: Exclude<CallRule, Cut | { fault: 'malformed' }>,
  carryOut: () => Answer,
  dependencies: Dependencies,
): Promise<Answer> => {
  if (rule.fault === 'throttle')
    return { ...TOO_MANY, headers: { 'retry-after': String(rule.retryAfterSeconds) } }
  if (rule.fault === 'delay' && rule.work === 'after') {
    await dependencies.agenda.wait(rule.ms)
    return carryOut()
  }
  const answer = carryOut()
  switch (rule.fault) {
    case 'delay':
      await dependencies.agenda.wait(rule.ms)
      break
    case 'answerLast':
      await settled(dependencies)
      break
    case 'twice':
      carryOut()
      break
    case 'textAmounts':
      return changed(answer, AMOUNTS, String)
    case 'shortAmount':
      return changed(answer, ['amount'], (amount) => Number(amount) - rule.byMinor)
    case 'otherCurrency':
      return changed(answer, ['currency'], () => rule.currency)
  }
  return answer
}

const halfOf = ({ body }: Answer) => {
  const text = JSON.stringify(body)
  return text.slice(0, Math.ceil(text.length / 2))
}

const TOO_MANY: Answer = {
  status: 429,
  body: { status: false, message: 'Too many requests, try again later', type: 'api_error' },
}

const answerOf = (work: () => object): Answer => {
  try {
    return { status: 200, body: work() }
  } catch (error) {
    if (error instanceof ApiRefusal) return { status: error.httpStatus, body: error.body }
    throw error
  }
}

/** Until no refund moves by itself and every webhook has been tried. */
const settled = async ({ webhooks, moving }: Dependencies) => {
  do {
    await webhooks.tried()
    if (moving() > 0) await wait(10)
  } while (moving() > 0)
  await webhooks.tried()
}

const AMOUNTS = ['amount', 'requested_amount', 'refund_amount', 'deducted_amount', 'transaction_amount']

/** The same answer with other values in these fields, wherever they are. */
const changed = (
  { status, body }: Answer,
  names: readonly string[],
  change: (value: unknown) => unknown,
) => ({
  status,
  body: JSON.parse(JSON.stringify(body), (name, value: unknown) =>
    names.includes(name) && (typeof value === 'number' || typeof value === 'string') ? change(value) : value,
  ) as object,
})

const referenceIn = ({ params, body, query }: FastifyRequest): string | undefined => {
  const fields = { ...(query as object), ...(body as object), ...(params as object) } as Record<
    string,
    unknown
  >
  for (const name of ['reference', 'transaction', 'id'])
    if (typeof fields[name] === 'string' || typeof fields[name] === 'number') return String(fields[name])
  return undefined
}
