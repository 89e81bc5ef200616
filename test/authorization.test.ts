import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { catalogActors } from '../src/gateway/catalog/business-calls.ts'
import type { TestServer } from './support/server.ts'
import { RULES } from './support/authorization/rules.ts'
import { NOT_THERE, type Relation } from './support/authorization/verdicts.ts'
import { PATIENCE, aWorld, ask, verdictOf } from './support/authorization/world.ts'

describe('each command and query', () => {
  // The catalogue's, which is for everybody, have a table of their own: catalog-access.ts.
  const others = actors.filter((definition) => !catalogActors.includes(definition))
  const names = others.flatMap(({ contract: { namespace, commands, queries } }) =>
    Object.keys({ ...commands, ...queries }).map((name) => `${namespace}.${name}`),
  )

  it('has a rule here', () => expect(Object.keys(RULES).toSorted()).toEqual(names.toSorted()))

  it('is for those whom the rule names', PATIENCE, async () => {
    const world = await aWorld()
    for (const [name, { verdicts, absent = NOT_THERE, payload, names: field = 'id' }] of Object.entries(
      RULES,
    ))
      for (const [who, relation, userId, target] of world.callers) {
        const asked = await payload(target, world)
        const answer = await ask(world, userId, name, asked)
        expect([name, who, verdictOf(answer)]).toEqual([name, who, verdicts[relation]])
        if (field === '') continue

        const nothing = await ask(world, userId, name, { ...asked, [field]: randomUUID() })
        expect([name, who, verdictOf(nothing)]).toEqual([name, who, absent[relation]])
        // What one may not know of and what there is not are one answer.
        if (verdicts[relation] === 'not_found') expect([name, who, nothing]).toEqual([name, who, answer])
      }
  })

  it('that is refused writes nothing', PATIENCE, async () => {
    const world = await aWorld()
    for (const [name, { verdicts, payload }] of Object.entries(RULES))
      for (const [who, relation, userId, target] of world.callers) {
        if (verdicts[relation] === 'ok' || name === 'mentors.register') continue
        const asked = await payload(target, world)
        const before = await commandsIn(world.server)
        await ask(world, userId, name, asked)
        expect([name, who, await commandsIn(world.server)]).toEqual([name, who, before])
      }
  })

  it('answers with the commands that the caller may send', PATIENCE, async () => {
    const { callers, clients } = await aWorld()
    const allowed: Record<Relation, string[] | undefined> = {
      admin: ['renew', 'suspend', 'revoke', 'correct'],
      inCharge: ['renew', 'suspend'],
      csm: [],
      self: [],
      nobody: undefined,
      stranger: undefined,
      strangeAdmin: undefined,
    }
    for (const [who, relation, userId, { certificationId: id }] of callers)
      expect([who, (await clients.get(userId)!.call('certifications.get', { id })).allowed]).toEqual([
        who,
        allowed[relation],
      ])
  })
})

/** Turns that somebody wanted; what the system does meanwhile is no concern of a refusal. */
const commandsIn = async ({ database }: TestServer) => {
  const [row] = await database.sql.query<{ commands: number }>(
    { name: 'commands', text: `select count(*)::int as commands from journal where cause = 'command'` },
    [],
  )
  return row!.commands
}
