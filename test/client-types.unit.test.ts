import type { Socket } from 'socket.io-client'
import { expectTypeOf, it } from 'vitest'
import { setup } from 'xstate'
import { z } from 'zod'
import { defineActor } from '../actors/actor.ts'
import { getActor } from '../actors/queries.ts'
import type { CertificationView, certificationContract } from '../contracts/certification.ts'
import type {
  CatalogClientToServer,
  CatalogServerToClient,
  ClientToServer,
  FrameOf,
  LiveClientToServer,
  LiveServerToClient,
  ServerToClient,
} from '../contracts/client-types.ts'
import { defineContract } from '../contracts/contract.ts'
import type { mentorContract } from '../contracts/mentor.ts'
import type { Reply } from '../contracts/protocol.ts'
import type { OfferingView } from '../contracts/offering.ts'
import { GetInput } from '../contracts/queries.ts'
import type { TutorProfileView } from '../contracts/tutor-profile.ts'

// The compiler runs these; at run time nothing is left of them.

type Certifications = typeof certificationContract
type Contracts = Certifications | typeof mentorContract
type CertificationSocket = Socket<ServerToClient<Certifications>, ClientToServer<Certifications>>
type LiveSocket = Socket<LiveServerToClient<Contracts>, LiveClientToServer<Contracts>>

it('a namespace knows its commands, queries and events', () => {
  void (async (socket: CertificationSocket) => {
    const reply = await socket.emitWithAck('renew', {
      id: 'x',
      issuedAt: 'x',
      expiresAt: 'x',
      commandId: 'x',
    })
    expectTypeOf(reply).toEqualTypeOf<Reply<CertificationView>>()
    socket.emit('reinstate', { id: 'x' }, () => {})
    socket.emit('issue', { mentorId: 'x', certType: 'x', issuedAt: 'x', expiresAt: 'x' }, () => {})
    const found = await socket.emitWithAck('expiring', { withinDays: 30 })
    if (found.ok) expectTypeOf(found.data.items[0]!.view).toEqualTypeOf<CertificationView>()
    socket.on('certification.reminderDue', ({ data, view, actor }) => {
      expectTypeOf(data.daysBefore).toBeNumber()
      expectTypeOf(view).toEqualTypeOf<CertificationView>()
      expectTypeOf(actor.type).toEqualTypeOf<'certification'>()
    })
    socket.on('closing', ({ reconnectInMs }) =>
      expectTypeOf(reconnectInMs).toEqualTypeOf<number | undefined>(),
    )

    // @ts-expect-error -- an existing actor has to be named
    socket.emit('reinstate', {}, () => {})
    // @ts-expect-error -- no such command
    socket.emit('explode', { id: 'x' }, () => {})
    // @ts-expect-error -- an unknown field is refused by the server
    socket.emit('reinstate', { id: 'x', reason: 'x' }, () => {})
    // @ts-expect-error -- no such event
    socket.on('certification.exploded', () => {})
  })
})

it('/live knows those of every namespace, with the namespace before commands and queries', () => {
  void (async (socket: LiveSocket) => {
    await socket.emitWithAck('certifications.revoke', { id: 'x', reason: 'x' })
    const mentor = await socket.emitWithAck('mentors.pause', { id: 'x', reason: 'x' })
    if (mentor.ok) expectTypeOf(mentor.data.active).toBeBoolean()
    const subscribed = await socket.emitWithAck('subscribe', { topics: ['mentor:x'], mode: 'batch' })
    if (subscribed.ok) expectTypeOf(subscribed.data.position).toBeNumber()
    socket.on('mentor.held', ({ data }) => expectTypeOf(data.hold).toBeString())
    socket.on('events', ({ events }) => {
      for (const event of events)
        if (event.type === 'mentor.reassigned') expectTypeOf(event).toEqualTypeOf<Reassigned>()
    })

    // @ts-expect-error -- the namespace is missing
    socket.emit('revoke', { id: 'x', reason: 'x' }, () => {})
  })
  type Reassigned = FrameOf<typeof mentorContract, 'mentor.reassigned'>
})

it('/catalog knows the names of the tutor catalogue, and those of its contracts', () => {
  void (async (socket: Socket<CatalogServerToClient, CatalogClientToServer>) => {
    const made = await socket.emitWithAck('createCoursePack', {
      tutorProfileId: 'x',
      preliminaryMeetingRequired: false,
    })
    expectTypeOf(made).toEqualTypeOf<Reply<OfferingView>>()
    expectTypeOf(await socket.emitWithAck('getTutorProfile', { id: 'x' })).toEqualTypeOf<
      Reply<TutorProfileView>
    >()
    const packs = await socket.emitWithAck('listCoursePacks', { scheduling: 'strict', limit: 10 })
    if (packs.ok) expectTypeOf(packs.data.items[0]!.view).toEqualTypeOf<OfferingView>()
    await socket.emitWithAck('updateCourseMaterial', { id: 'x', title: 'x', commandId: 'x' })
    await socket.emitWithAck('deleteCoursePack', { id: 'x', reason: 'x' })
    await socket.emitWithAck('deleteCourseCategory', { id: 'x', expectedVersion: 1 })
    await socket.emitWithAck('offerings.publish', { id: 'x' })
    await socket.emitWithAck('subscribe', { topics: ['offering:x'] })
    socket.on('offering.published', ({ view }) => expectTypeOf(view).toEqualTypeOf<OfferingView>())
    socket.on('events', ({ events }) => {
      for (const event of events)
        if (event.type === 'material.added') expectTypeOf(event.data.title).toBeString()
    })

    // @ts-expect-error -- an existing actor has to be named
    socket.emit('updateCourseCategory', { name: 'x' }, () => {})
    // @ts-expect-error -- what is not the kind's own is no filter of it
    socket.emit('listCoursePacks', { difficulty: 'beginner' }, () => {})
    // @ts-expect-error -- no such name
    socket.emit('getCourse', { id: 'x' }, () => {})
    // @ts-expect-error -- no event of the catalogue
    socket.on('payment.settled', () => {})
  })
})

it('an actor does not compile with a command without a rule', () => {
  const contract = defineContract({
    actor: 'door',
    namespace: 'doors',
    commands: {
      build: { summary: 'Build', creates: true, input: z.strictObject({}) },
      open: { summary: 'Open', input: z.strictObject({}) },
    },
    queries: { get: { summary: 'One door', input: GetInput, output: z.strictObject({}) } },
    events: {},
    view: z.strictObject({}),
  })
  const rest = {
    contract,
    machine: setup({}).createMachine({}),
    columns: {},
    topics: {},
    scopes: () => [],
    create: { build: async () => ({ ok: true, input: undefined }) as const },
    view: () => ({}),
  }
  defineActor({ ...rest, allow: { build: () => true, open: () => true }, queries: { get: getActor } })
  // @ts-expect-error -- nobody has said who may open
  defineActor({ ...rest, allow: { build: () => true }, queries: { get: getActor } })
  // @ts-expect-error -- nobody answers
  defineActor({ ...rest, allow: { build: () => true, open: () => true }, queries: {} })
})
