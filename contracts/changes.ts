import { z } from 'zod'

/** The fields of an update, at least one of which is given: what changes nothing would be news of nothing. */
export const changesOf = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape).refine(hasOne, { error: 'give at least one field' })

const hasOne = (fields: object): boolean => Object.values(fields).some((value) => value !== undefined)
