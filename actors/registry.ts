import type { AnyActorDefinition } from './actor.ts'
import { achievement } from './achievement.ts'
import { badgeDefinition } from './badge-definition.ts'
import { badgeFact } from './badge-fact.ts'
import { badge } from './badge.ts'
import { category } from './category.ts'
import { certificateSeries } from './certificate-series.ts'
import { certificate } from './certificate.ts'
import { certification } from './certification.ts'
import { deadLetter } from './dead-letter.ts'
import { delivery } from './delivery.ts'
import { dispute } from './dispute.ts'
import { enrollment } from './enrollment.ts'
import { importActor } from './import.ts'
import { inbox } from './inbox.ts'
import { lesson } from './lesson.ts'
import { material } from './material.ts'
import { mentor } from './mentor.ts'
import { notification } from './notification.ts'
import { offering } from './offering.ts'
import { payment } from './payment.ts'
import { preference } from './preference.ts'
import { purchase } from './purchase.ts'
import { pushSubscription } from './push-subscription.ts'
import { refund } from './refund.ts'
import { removal } from './removal.ts'
import { roster } from './roster.ts'
import { settlement } from './settlement.ts'
import { tutorProfile } from './tutor-profile.ts'

/** Every kind of actor that this build knows. A new statechart is one more line here. */
export const actors: readonly AnyActorDefinition[] = [
  certification,
  mentor,
  importActor,
  deadLetter,
  payment,
  purchase,
  refund,
  dispute,
  tutorProfile,
  category,
  offering,
  material,
  roster,
  enrollment,
  lesson,
  removal,
  settlement,
  notification,
  badgeDefinition,
  badge,
  badgeFact,
  achievement,
  inbox,
  delivery,
  preference,
  pushSubscription,
  certificateSeries,
  certificate,
]
