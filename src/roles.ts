/** What a node does; by default everything. Any number of nodes may do the same. */
export const NODE_ROLES = ['gateway', 'worker', 'scheduler'] as const

/**
 * `gateway`: sockets, REST and webhooks. `worker`: carries out effects. `scheduler`: fires timers. Each of them takes
 * turns of actors.
 */
export type NodeRole = (typeof NODE_ROLES)[number]

export const ALL_ROLES: ReadonlySet<NodeRole> = new Set(NODE_ROLES)

/** Reads `gateway,worker`; `undefined` when that is no list of roles. */
export const readRoles = (text: string): ReadonlySet<NodeRole> | undefined => {
  const names = text.split(',').map((name) => name.trim())
  const roles = NODE_ROLES.filter((role) => names.includes(role))
  return roles.length > 0 && roles.length === new Set(names).size ? new Set(roles) : undefined
}
