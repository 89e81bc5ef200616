import { rewrite } from './rewrite.ts'

/**
 * Loaded before everything else, this lets a node have one commit under way in place of two: nodes that wait for each other
 * anyway gather larger batches.
 */
rewrite('persistence/sql.ts', 'flights = 2', 'flights = 1')
