import { BADGE_RULES } from './badge-rules.ts'
import { CERTIFICATION_RULES } from './certification-rules.ts'
import { LEARNING_RULES } from './learning-rules.ts'
import { NOTIFICATION_RULES } from './notification-rules.ts'
import { PAYMENT_RULES } from './payment-rules.ts'
import type { Rule } from './world.ts'

/** Of each command and query, but for the catalogue's, which are for everybody: those have a table of their own, catalog-access.ts. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...LEARNING_RULES,
  ...NOTIFICATION_RULES,
  ...BADGE_RULES,
  ...PAYMENT_RULES,
  // The last one of these gives a mentor to another coordinator.
  ...CERTIFICATION_RULES,
}
