import type { Sql } from './sql.ts'

/**
 * After a restore. No client may go on from a position that now means something else; and what the backup calls still
 * to be done may have been done since, so whoever takes such an effect is not the first, and looks before it repeats it.
 */
export const beginEpoch = async ({ query }: Pick<Sql, 'query'>): Promise<void> => {
  await query({
    name: 'doubt_effects',
    text: `update effect set taken = 1 where status = 'pending' and taken = 0`,
  })
  await query({ name: 'new_epoch', text: 'update journal_head set epoch = gen_random_uuid()' })
}
