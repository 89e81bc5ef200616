import { Failure } from './shapes.ts'

type Details = { type?: NonNullable<Failure['type']>; code?: string; nextStep?: string; httpStatus?: number }

/** Thrown to answer with a failure, in Paystack's envelope. */
export class ApiRefusal extends Error {
  override name = 'ApiRefusal'
  readonly httpStatus: number
  readonly body: Failure

  constructor(
    message: string,
    { type = 'validation_error', code = 'invalid_params', nextStep, httpStatus = 400 }: Details = {},
  ) {
    super(message)
    this.httpStatus = httpStatus
    this.body = Failure.parse({
      status: false,
      message,
      meta: { nextStep: nextStep ?? 'Check the request against the documentation of the API' },
      type,
      code,
    })
  }
}

export const missing = (what: string, code: string): ApiRefusal =>
  new ApiRefusal(`${what} not found`, {
    httpStatus: 404,
    code,
    nextStep: 'Use the number or the reference of something that exists on this integration',
  })
