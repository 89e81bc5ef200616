import { z } from 'zod'
import { material } from '../../../actors/material.ts'
import { offering } from '../../../actors/offering.ts'
import type { MaterialView } from '../../../contracts/material.ts'
import { PageFields } from '../../../contracts/queries.ts'
import { Id, StoredInstant } from '../../../contracts/scalars.ts'
import { HttpRefusal } from '../http-envelope.ts'
import type { Asked, Route } from '../route.ts'
import { chosenId, given, listOf, read, readBody, shownPage } from './business-routes.ts'

const { create } = material.contract.commands
const { kind, title, description, fileUrl, position } = create.input.shape

const Params = z.strictObject({ courseId: Id })

/** The fields of S4.40. */
const Medium = z.object({
  mediaId: Id,
  courseId: Id,
  instructorId: Id,
  mediaType: material.contract.view.shape.kind,
  mediaUrl: z.string(),
  index: z.int().describe('Its place among the media of the course'),
  title: z.string(),
  description: z.string().nullable(),
  uploadedAt: StoredInstant,
})

const show = (view: MaterialView): z.output<typeof Medium> => ({
  mediaId: view.id,
  courseId: view.offeringId,
  instructorId: view.ownerId,
  mediaType: view.kind,
  mediaUrl: view.fileUrl,
  index: view.position,
  title: view.title,
  description: view.description,
  uploadedAt: view.uploadedAt,
})

const MediumBody = z.strictObject({
  mediaType: kind.unwrap().extract(['video', 'image', 'document']),
  mediaUrl: fileUrl.unwrap(),
  index: position.unwrap(),
  title: title.unwrap().optional().describe('Unique in the course; made of type and index without it'),
  description,
  ...chosenId,
})

const common = {
  definition: material,
  group: 'courses',
  url: '/api/courses/:courseId/media',
  params: Params,
} as const

/** Media of a course, of which S4 says what they are (S4.11, S4.40) and not where (C21): Laurel's own routes. */
export const courseMediaRoutes: readonly Route[] = [
  {
    ...common,
    method: 'GET',
    operationId: 'courses.media',
    summary: "The media of a course in their order, for its instructor and who learns there (Laurel's own)",
    status: 200,
    public: true,
    query: z.strictObject(PageFields),
    data: listOf('media', Medium),
    answer: async (asked) => {
      const courseId = await courseOf(asked)
      const page = read(z.strictObject(PageFields), asked.request.query)
      return shownPage('media', await asked.query('list', given({ offeringId: courseId, ...page })), show)
    },
  },
  {
    ...common,
    method: 'POST',
    operationId: 'courses.addMedium',
    summary: "Add a medium to a course (Laurel's own)",
    status: 201,
    command: true,
    body: MediumBody,
    data: Medium,
    errors: ['already_exists'],
    location: (id) => `/v1/coursematerials/${id}`,
    answer: async (asked) => {
      const offeringId = await courseOf(asked)
      const {
        mediaType,
        mediaUrl,
        index,
        title: name = `${mediaType} ${index}`,
        ...others
      } = readBody(MediumBody, asked.request)
      const fields = {
        ...others,
        offeringId,
        kind: mediaType,
        fileUrl: mediaUrl,
        position: index,
        title: name,
      }
      const { view } = await asked.command('create', given(fields))
      return show(view as MaterialView)
    },
  },
]

/** @throws HttpRefusal `not_found` when there is no such course for the caller */
const courseOf = async ({ request, query }: Asked): Promise<string> => {
  const { courseId } = read(Params, request.params)
  const { data } = await query('get', { id: courseId }, offering)
  const { kind: ofWhat } = data as { kind: string }
  if (ofWhat !== 'course') throw new HttpRefusal({ code: 'not_found', message: 'no such course' })
  return courseId
}
