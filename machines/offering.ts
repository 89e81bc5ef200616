import type { SnapshotFrom } from 'xstate'
import type { Moderation, Publication, Visibility } from '../contracts/offering.ts'
import {
  askRoster,
  begin,
  clear,
  edit,
  flag,
  followCategory,
  followTutor,
  keep,
  offering,
  remove,
  say,
  sendRemovalAway,
  setModules,
} from './offering-steps.ts'

/**
 * One course or course pack. Its tutor publishes it and administrators moderate it, and neither undoes what the other
 * has done. What the tutor's profile and the category tell may come late, twice and in any order: the newest of each
 * counts, until it is deleted.
 */
export const offeringMachine = offering.createMachine({
  id: 'offering@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    modules: [],
    moderationNote: null,
    removalId: null,
    createdAt: at,
  }),
  entry: begin,
  initial: 'offered',
  states: {
    offered: {
      type: 'parallel',
      states: {
        publication: {
          initial: 'made',
          states: {
            made: { always: [{ guard: 'startsPublished', target: 'published' }, { target: 'draft' }] },
            draft: {
              on: {
                publish: { guard: 'isFit', target: 'published', actions: say('published') },
                archive: { target: 'archived', actions: say('archived') },
                setModules: { actions: setModules },
                update: [
                  { guard: { type: 'changes', params: { published: false, to: false } }, actions: edit },
                  {
                    guard: { type: 'changes', params: { published: false, to: true } },
                    target: 'published',
                    actions: [edit, say('published')],
                  },
                ],
              },
            },
            published: {
              on: {
                unpublish: { target: 'draft', actions: say('unpublished') },
                archive: { target: 'archived', actions: say('archived') },
                setModules: { actions: setModules },
                update: [
                  { guard: { type: 'changes', params: { published: true, to: true } }, actions: edit },
                  {
                    guard: { type: 'changes', params: { published: true, to: false } },
                    target: 'draft',
                    // Whoever only sees what is published hears nothing of what it says from now on.
                    actions: [say('unpublished'), edit],
                  },
                ],
              },
            },
            archived: {},
          },
        },
        moderation: {
          initial: 'approved',
          states: {
            approved: {
              on: {
                flag: { target: 'flagged', actions: flag },
                update: {
                  guard: { type: 'moderatesTo', params: 'flagged' },
                  target: 'flagged',
                  actions: flag,
                },
              },
            },
            flagged: {
              on: {
                clear: { target: 'approved', actions: clear },
                update: [
                  { guard: { type: 'moderatesTo', params: 'approved' }, target: 'approved', actions: clear },
                  { guard: 'moderates', actions: flag },
                ],
              },
            },
          },
        },
        asBefore: { type: 'history', history: 'deep' },
      },
      on: {
        delete: [
          { guard: 'hasRoster', target: 'deleting', actions: askRoster },
          { target: 'deleted', actions: say('deleted') },
        ],
        remove: { target: 'removed', actions: remove },
        'removal.started': { target: 'removed', actions: remove },
      },
    },
    deleting: {
      on: {
        'roster.emptied': { target: 'deleted', actions: say('deleted') },
        'roster.busy': { target: 'offered.asBefore', actions: keep },
        'removal.started': { target: 'removed', actions: remove },
      },
    },
    removed: { on: { 'removal.started': { actions: sendRemovalAway } } },
    deleted: {
      on: {
        'removal.started': { actions: sendRemovalAway },
        // Nothing changes any more.
        'tutor.changed': {},
        'category.renamed': {},
        'category.deleted': {},
      },
    },
  },
  on: {
    'tutor.changed': { guard: 'isNewsOfTutor', actions: followTutor },
    'category.renamed': { guard: 'isNewsOfCategory', actions: followCategory },
    'category.deleted': { guard: 'isNewsOfCategory', actions: followCategory },
  },
})

type Snapshot = Pick<SnapshotFrom<typeof offeringMachine>, 'value' | 'context'>

/** Whether anybody may enroll and pay now. */
export const isOnSale = (snapshot: Snapshot): boolean => visibilityOf(snapshot) === 'public'

/** Whether it is neither removed nor deleted, nor about to be. */
export const isKept = ({ value }: Snapshot): boolean => typeof value !== 'string'

export const visibilityOf = (snapshot: Snapshot): Visibility => {
  if (snapshot.value === 'deleted') return 'deleted'
  return publicationOf(snapshot) === 'published' &&
    moderationOf(snapshot) === 'approved' &&
    snapshot.context.tutor.approved
    ? 'public'
    : 'private'
}

/** Nothing is published any more that is being deleted or has been removed. */
export const publicationOf = ({ value }: Snapshot): Publication => {
  if (typeof value === 'string') return 'archived'
  const { publication } = value.offered
  return publication === 'made' ? 'draft' : publication
}

export const moderationOf = ({ value }: Snapshot): Moderation => {
  if (typeof value === 'string') return value === 'removed' ? 'removed' : 'approved'
  return value.offered.moderation
}
