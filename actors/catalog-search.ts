import { findCategory } from './catalog.ts'
import type { Condition, TextSearch } from './ports.ts'
import { pageOf, type QueryHandler, type QueryRequest } from './queries.ts'

type Page = { text: string; limit?: number | undefined; after?: string | undefined }

type OfferingSearch = Page & {
  kind?: string | undefined
  category?: string | undefined
  scheduling?: string | undefined
  difficulty?: string | undefined
  maxPriceMinor?: number | undefined
}

const DEFAULT_LIMIT = 50

/** `search` of offerings: what the caller may see, as in `list`, but best first. */
export const searchOfferings: QueryHandler<OfferingSearch> = async (request) => {
  const { category, kind, scheduling, difficulty, maxPriceMinor } = request.input
  const { principal, read } = request
  const known =
    category === undefined ? undefined : await findCategory(read.search, principal.orgId, category)
  if (category !== undefined && !known) return { ok: true, data: { items: [] } }
  return matching(request, [
    ...condition('kind', kind),
    ...condition('categoryId', known?.id),
    ...condition('scheduling', scheduling),
    ...condition('difficulty', difficulty),
    ...condition('priceMinor', maxPriceMinor, '<='),
  ])
}

/** `search` of tutor profiles, in the same way. */
export const searchProfiles: QueryHandler<Page & { profileStatus?: string | undefined }> = (request) =>
  matching(request, condition('status', request.input.profileStatus))

const matching = async (request: QueryRequest<Page>, where: TextSearch['where'] & object) => {
  const { definition, scopes, input, read } = request
  const { text, limit = DEFAULT_LIMIT, after } = input
  const page = await read.searchText(definition, { scopes, where, text, after, limit })
  return { ok: true as const, data: pageOf(page) }
}

const condition = (
  column: string,
  value: string | number | undefined,
  is: Condition['is'] = '=',
): Condition[] => (value === undefined ? [] : [{ column, is, value }])
