import type { EffectStore, HeldEffect, Lease } from '../../actors/engine/effects.ts'

type Dependencies = {
  store: EffectStore
  now: () => number
  failed: (error: unknown) => void
  leaseMs: number
}

export type Leases = ReturnType<typeof createLeases>

/**
 * What takes longer than its lease would otherwise be started on another node as well. The first renewal comes before
 * the lease ends that the commit gave, which is the shortest.
 */
export const createLeases = ({ store, now, failed, leaseMs }: Dependencies) => {
  /** By the effect's id; `renewAt` is when its lease has to be made longer, by this process's own clock. */
  const held = new Map<string, { renewAt: number; effect?: HeldEffect }>()
  let timer: NodeJS.Timeout | undefined

  /** When a lease ends that begins now. */
  const end = () => new Date(now() + leaseMs).toISOString()

  const renewDue = () => {
    const at = performance.now()
    const due = [...held.values()].flatMap(({ renewAt, effect }) => (effect && renewAt <= at ? [effect] : []))
    if (due.length === 0) return
    const renewAgain = (renewAt: number) => {
      for (const effect of due) if (held.has(effect.id)) held.set(effect.id, { renewAt, effect })
    }
    renewAgain(at + leaseMs / 4)
    store.keep(due, end()).catch((error: unknown) => {
      failed(error)
      // Soon again: there may be time left.
      renewAgain(at + leaseMs / 20)
    })
  }

  return {
    /** It is in hand here, though it may not belong to this node yet. */
    hold: (id: string) => void held.set(id, { renewAt: Infinity }),
    renew: (effect: HeldEffect) =>
      void held.set(effect.id, { renewAt: performance.now() + leaseMs / 20, effect }),
    drop: (id: string) => void held.delete(id),
    has: (id: string) => held.has(id),
    /** One that begins now. */
    lease: (): Lease => ({ now: new Date(now()).toISOString(), until: end() }),
    start: () => {
      timer = setInterval(renewDue, leaseMs / 40)
    },
    stop: () => clearInterval(timer),
  }
}
