import { rewrite } from './rewrite.ts'

/**
 * Loaded before everything else, this makes a node take its positions from a sequence in place of the journal's head row:
 * nobody waits for anybody, and positions come neither without holes nor in the order of the commits. It is no way to run
 * the product; it says how fast one could be that had no order at all. Each step of the sequence has room for more events
 * than a batch can have.
 */
rewrite(
  'persistence/commit-routines.ts',
  /head as \(\s*update journal_head set [^;]*? as base\s*\),/,
  `head as (
  select nextval('bench_position') as base from total where total.n > 0
),`,
)
