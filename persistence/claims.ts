import type { Sql } from './sql.ts'

/**
 * Gives back what a process of before had claimed and not finished. Only where one process at a time has the database:
 * elsewhere the claims may belong to somebody alive, and run out by themselves.
 */
export const releaseClaims = async ({ query }: Sql): Promise<void> => {
  await query({
    name: 'release_timers',
    text: 'update timer set claimed_until = null where claimed_until is not null',
  })
  await query({
    name: 'release_effects',
    text: `update effect set next_at = clock_timestamp() where status = 'pending' and next_at > clock_timestamp()`,
  })
}
