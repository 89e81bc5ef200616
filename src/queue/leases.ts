import type { EffectStore, Lease } from '../../actors/engine/effects.ts'

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
  /** By the effect's id, when its lease has to be made longer, by this process's own clock. */
  const held = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  /** When a lease ends that begins now. */
  const end = () => new Date(now() + leaseMs).toISOString()

  const renewDue = () => {
    const at = performance.now()
    const due = [...held].filter(([, renewAt]) => renewAt <= at).map(([id]) => id)
    if (due.length === 0) return
    for (const id of due) held.set(id, at + leaseMs / 4)
    store.keep(due, end()).catch((error: unknown) => {
      failed(error)
      // Soon again: there may be time left.
      for (const id of due) if (held.has(id)) held.set(id, at + leaseMs / 20)
    })
  }

  return {
    /** It is in hand here, though it may not belong to this node yet. */
    hold: (id: string) => void held.set(id, Infinity),
    renew: (id: string) => void held.set(id, performance.now() + leaseMs / 20),
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
