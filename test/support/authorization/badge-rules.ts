import { randomUUID } from 'node:crypto'
import {
  aBadge,
  aBadgeDefinition,
  aBadgeFact,
  aLockedDefinition,
  anAchievement,
  anActiveDefinition,
} from '../badges-by-system.ts'
import {
  WHO_MAY_SEE,
  ADMIN,
  OPERATORS,
  ADMIN_OF_OPERATORS,
  OPERATORS_AND_SELF,
  SELF_OF_ALL,
  ADMIN_NOT_SELF,
  EVERYBODY,
  INSIDERS,
  ANY_ADMIN,
} from './verdicts.ts'
import type { Rule } from './world.ts'

export const BADGE_RULES: Record<string, Rule> = {
  'badgeDefinitions.define': {
    verdicts: { ...ANY_ADMIN, strangeAdmin: 'ok' },
    payload: () => ({
      name: `Badge ${randomUUID()}`,
      iconKey: 'star',
      description: 'For those who help',
      criteriaType: 'recruiting_milestone',
      criteriaValue: 1_000_000,
    }),
    names: '',
  },
  'badgeDefinitions.revise': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: async ({ orgId }, { server }) => ({
      predecessorId: (await aLockedDefinition(server, orgId)).id,
    }),
    names: 'predecessorId',
  },
  'badgeDefinitions.update': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: async ({ orgId }, { server }) => ({
      ...(await aBadgeDefinition(server, orgId)),
      iconKey: 'moon',
    }),
  },
  'badgeDefinitions.activate': {
    verdicts: ADMIN_OF_OPERATORS,
    payload: ({ orgId }, { server }) => aBadgeDefinition(server, orgId),
  },
  'badgeDefinitions.archive': {
    // Everybody of the organisation may know of it while it can be earned.
    verdicts: { ...ADMIN, nobody: 'forbidden' },
    payload: ({ orgId }, { server }) => anActiveDefinition(server, orgId),
  },
  'badgeDefinitions.get': {
    verdicts: INSIDERS,
    payload: ({ orgId }, { server }) => anActiveDefinition(server, orgId),
  },
  'badgeDefinitions.journal': {
    verdicts: OPERATORS,
    payload: ({ orgId }, { server }) => aBadgeDefinition(server, orgId),
  },
  'badgeDefinitions.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'badges.award': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: async ({ orgId, mentorId: recipientId }, { server }) => ({
      definitionId: (await anActiveDefinition(server, orgId)).id,
      recipientId,
    }),
    names: 'recipientId',
  },
  'badges.revoke': {
    verdicts: ADMIN,
    payload: async (target, { server }) => ({ ...(await aBadge(server, target)), reason: 'by mistake' }),
  },
  'badges.accept': {
    verdicts: SELF_OF_ALL,
    payload: (target, { server }) => aBadge(server, target, { type: 'decline' }),
  },
  'badges.decline': { verdicts: SELF_OF_ALL, payload: (target, { server }) => aBadge(server, target) },
  'badges.get': { verdicts: WHO_MAY_SEE, payload: (target, { server }) => aBadge(server, target) },
  'badges.journal': { verdicts: WHO_MAY_SEE, payload: (target, { server }) => aBadge(server, target) },
  'badges.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'badges.hasEarned': {
    verdicts: EVERYBODY,
    payload: ({ mentorId: recipientId }) => ({ definitionId: randomUUID(), recipientId }),
    names: '',
  },
  'badgeFacts.record': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: ({ mentorId: recipientId }) => ({ recipientId, kind: 'activity' }),
    names: 'recipientId',
  },
  'badgeFacts.takeBack': {
    verdicts: ADMIN_NOT_SELF,
    payload: async (target, { server }) => ({ ...(await aBadgeFact(server, target)), reason: 'not so' }),
  },
  'badgeFacts.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aBadgeFact(server, target),
  },
  'badgeFacts.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => aBadgeFact(server, target),
  },
  'badgeFacts.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'achievements.get': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => anAchievement(server, target),
  },
  'achievements.journal': {
    verdicts: OPERATORS_AND_SELF,
    payload: (target, { server }) => anAchievement(server, target),
  },
  'achievements.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
}
