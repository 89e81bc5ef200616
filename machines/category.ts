import { assertEvent, setup } from 'xstate'
import type {
  CategoryCommand,
  CategoryEvent,
  CategoryToOffering,
  CategoryView,
} from '../contracts/category.ts'
import type { Envelope } from '../contracts/contract.ts'
import type { OfferingToCategory } from '../contracts/offering.ts'
import { givenOf } from './given-fields.ts'

export type CategoryInput = Envelope & CategoryView & { orgId: string }
export type CategoryContext = Omit<CategoryInput, keyof Envelope>

type CategoryMessage =
  | Exclude<CategoryCommand, { type: 'create' }>
  | (OfferingToCategory & Envelope & Required<Pick<Envelope, 'source'>>)

type TellAll = { actor: 'offering'; where: { categoryId: string }; message: CategoryToOffering }

const category = setup({
  types: {
    context: {} as CategoryContext,
    input: {} as CategoryInput,
    events: {} as CategoryMessage,
    emitted: {} as CategoryEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'offering'; id: string; message: CategoryToOffering }) => {},
    tellAll: (_, _params: TellAll) => {},
  },
})

const edit = category.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'update')
  const changes = givenOf<Pick<CategoryView, 'name' | 'description' | 'icon'>>(event, [
    'name',
    'description',
    'icon',
  ])
  const { name = context.name } = changes
  enqueue.emit({ type: 'category.updated', name, fields: Object.keys(changes) })
  enqueue.assign(changes)
  if (name === context.name) return
  enqueue.emit({ type: 'category.renamed', name, previousName: context.name })
  enqueue({ type: 'tellAll', params: tellOfferings(context.id, { type: 'category.renamed', name }) })
})

/** An offering was put here under the name that was read before, or while this category was being deleted. */
const correct = (is: 'there' | 'gone') =>
  category.enqueueActions(({ context: { name }, event, enqueue }) => {
    assertEvent(event, 'offering.filed')
    const news: CategoryToOffering =
      is === 'there' ? { type: 'category.renamed', name } : { type: 'category.deleted' }
    if (is === 'there' && event.name === name) return
    enqueue({ type: 'tell', params: { actor: 'offering', id: event.source.id, message: news } })
  })

const tellOfferings = (id: string, message: CategoryToOffering): TellAll => {
  return { actor: 'offering', where: { categoryId: id }, message }
}

/** Where offerings are found. They keep its id, and hear of its name when that changes (C17). */
export const categoryMachine = category.createMachine({
  id: 'category@1',
  context: ({ input: { at: _at, by: _by, source: _source, ...input } }) => input,
  entry: category.emit(({ context: { name } }) => ({ type: 'category.created', name })),
  initial: 'active',
  states: {
    active: {
      on: {
        update: { actions: edit },
        delete: {
          target: 'deleted',
          actions: category.emit(({ context: { name } }) => ({ type: 'category.deleted', name })),
        },
        'offering.filed': { actions: correct('there') },
      },
    },
    deleted: { on: { 'offering.filed': { actions: correct('gone') } } },
  },
})
