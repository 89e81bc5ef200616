import type { ProviderRefundStatus } from '../contracts/refund.ts'

/** How far a refund has come, as the provider says. */
export const RANKS: Record<ProviderRefundStatus, number> = {
  pending: 1,
  processing: 2,
  'needs-attention': 3,
  processed: 5,
  failed: 5,
}
/** That there are two outweighs everything but the end of one. */
export const DOUBLED = 4
