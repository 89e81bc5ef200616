import { z } from 'zod'
import { derivedId } from '../../actors/derived-id.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Database } from '../../persistence/database.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { outcomeOf, resultOf, type Report } from '../effects/report.ts'
import { sourceOf } from '../effects/tell.ts'

const Alert = z.object({
  orgId: z.string(),
  /** The same key again makes no second notification. */
  key: z.string(),
  notification: z.looseObject({}),
})

/** In an organisation in which everybody is an administrator, nobody sees to anything. */
const MOST_TOLD = 50

type Dependencies = { engine: Engine; database: Database; report: Report; now: () => number }

/** One notification for each administrator of an organisation: something waits for people. */
export const createAlert = ({ engine, database, report, now }: Dependencies): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 30_000,
  concurrency: 4,
  run: async (effect) => {
    const { orgId, key, notification } = Alert.parse(effect.params)
    const tell = (recipientId: string) =>
      engine.send({
        ...resultOf(effect, now),
        id: `effect:${effect.id}:${recipientId}`,
        actor: { type: 'notification', id: derivedId('alert', effect.actorId, key, recipientId) },
        type: 'created',
        payload: { source: sourceOf(effect) },
        creation: { input: { ...notification, orgId, recipientId } },
        hash: effect.id,
      })
    const told = await Promise.all((await administratorsOf(database, orgId)).map(tell))
    // Whoever has been told of it before need not be told again.
    const refusal = told.find((reply) => !reply.ok && reply.error.code !== 'already_exists')
    return refusal ? outcomeOf(refusal) : report(effect, { type: 'effect.told', count: told.length })
  },
})

const ADMINISTRATORS = `select u.id from user_account u join user_role r on r.user_id = u.id and r.role = 'admin'
  where u.org_id = $1::uuid and u.blocked_at is null order by u.id limit ${MOST_TOLD}`

const administratorsOf = async ({ sql }: Database, orgId: string): Promise<string[]> => {
  const rows = await sql.query<{ id: string }>({ name: 'administrators', text: ADMINISTRATORS }, [orgId])
  return rows.map(({ id }) => id)
}
