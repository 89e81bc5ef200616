import { randomUUID } from 'node:crypto'
import { certificateSeriesId } from '../../../actors/certificate-series.ts'
import {
  aCertificate,
  aDispute,
  aFailedPayment,
  aLesson,
  anActiveEnrollment,
  aNotification,
  aPlannedRemoval,
  aPurchase,
  aRequestedRefund,
  aRoster,
  aSentDelivery,
  aStuckSettlement,
} from '../by-system.ts'
import { aBadge, aBadgeDefinition, aBadgeFact, anAchievement } from '../badges-by-system.ts'
import { aPack, aTutor, done } from '../catalog-scene.ts'
import { anImport } from './certification-rules.ts'
import { anInbox, aPreference, aSubscription } from './notification-rules.ts'
import { aLetter } from './payment-rules.ts'
import { type Relation } from './verdicts.ts'
import type { Target, World } from './world.ts'

/** What is this tutor's nobody sees yet but operators. */
const aPendingTutor = ({ server, orgId, boss: admin }: World) =>
  aTutor(server, { orgId, admin, approved: false })

/** Who may listen to each kind of topic. */
export const TOPICS: Record<
  string,
  { of: (target: Target, world: World) => string | Promise<string>; relations: Relation[] }
> = {
  certification: {
    of: ({ certificationId }) => certificationId,
    relations: ['admin', 'csm', 'inCharge', 'self'],
  },
  mentor: { of: ({ mentorId }) => mentorId, relations: ['admin', 'csm', 'inCharge', 'self'] },
  import: {
    of: async (target, world) => (await anImport(target, world)).id,
    relations: ['admin', 'csm', 'inCharge'],
  },
  user: { of: ({ userId }) => userId, relations: ['admin', 'csm', 'self'] },
  coordinator: { of: ({ coordinatorId }) => coordinatorId, relations: ['admin', 'csm', 'inCharge'] },
  org: { of: ({ orgId }) => orgId, relations: ['admin', 'csm'] },
  finance: { of: ({ orgId }) => orgId, relations: ['admin', 'csm'] },
  payment: {
    of: async (target, { server }) => (await aFailedPayment(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  purchase: {
    of: async (target, { server }) => (await aPurchase(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  refund: {
    of: async (target, { server }) => (await aRequestedRefund(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  dispute: {
    of: async (target, { server }) => (await aDispute(server, target)).id,
    relations: ['admin', 'csm'],
  },
  deadLetter: {
    of: async (target, world) => (await aLetter(target, world)).id,
    relations: ['admin', 'csm'],
  },
  tutorProfile: {
    of: async (_, world) => (await aPendingTutor(world)).profileId,
    relations: ['admin', 'csm'],
  },
  offering: {
    of: async (_, world) => aPack(await aPendingTutor(world)),
    relations: ['admin', 'csm'],
  },
  material: {
    of: async (_, world) => {
      const tutor = await aPendingTutor(world)
      return (await done(tutor, 'materials.create', { offeringId: await aPack(tutor) })).id
    },
    relations: ['admin'],
  },
  category: {
    of: async (_, { boss }) =>
      (await done(boss, 'categories.create', { name: `Of ${randomUUID().slice(1)}` })).id,
    relations: ['admin', 'csm', 'inCharge', 'self', 'nobody'],
  },
  enrollment: {
    of: async (target, { server }) => (await anActiveEnrollment(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  course: { of: (_, { teacher }) => aPack(teacher), relations: ['admin', 'csm'] },
  lesson: {
    of: async (target, { server }) => (await aLesson(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  roster: {
    of: async ({ orgId }, { server }) => (await aRoster(server, orgId)).id,
    relations: ['admin', 'csm'],
  },
  removal: {
    of: async ({ orgId }, { server }) => (await aPlannedRemoval(server, orgId)).id,
    relations: ['admin', 'csm'],
  },
  settlement: {
    of: async (target, { server }) => (await aStuckSettlement(server, target)).id,
    relations: ['admin', 'csm'],
  },
  notification: {
    of: async (target, { server }) => (await aNotification(server, target)).id,
    relations: ['self'],
  },
  badgeDefinition: {
    of: async ({ orgId }, { server }) => (await aBadgeDefinition(server, orgId)).id,
    relations: ['admin', 'csm'],
  },
  badge: {
    of: async (target, { server }) => (await aBadge(server, target)).id,
    relations: ['admin', 'csm', 'inCharge', 'self'],
  },
  badgeFact: {
    of: async (target, { server }) => (await aBadgeFact(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  achievement: {
    of: async (target, { server }) => (await anAchievement(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  inbox: { of: async (target, world) => (await anInbox(target, world)).id, relations: ['self'] },
  delivery: {
    of: async (target, { server }) => (await aSentDelivery(server, target)).id,
    relations: ['admin', 'self'],
  },
  preference: { of: async (target, world) => (await aPreference(target, world)).id, relations: ['self'] },
  pushSubscription: {
    of: async (target, world) => (await aSubscription(target, world)).id,
    relations: ['self'],
  },
  certificate: {
    of: async (target, { server }) => (await aCertificate(server, target)).id,
    relations: ['admin', 'csm', 'self'],
  },
  // It has certificates of all organisations.
  certificateSeries: {
    of: () => certificateSeriesId(new Date().getUTCFullYear()),
    relations: [],
  },
}
