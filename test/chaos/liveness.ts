import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import type { Reply } from '../../contracts/protocol.ts'
import type { SentCommand } from '../kill/commander.ts'
import type { Violated } from '../kill/rules.ts'
import type { World } from '../kill/world.ts'
import type { Cluster } from './cluster.ts'

type Parts = {
  cluster: Cluster
  world: World
  commands: Map<string, SentCommand>
  violated: Violated
}

const PATIENCE_MS = 15_000

/** When the faults are over, a new command succeeds on each node, and not only on those that the balancer likes. */
export const everyNodeAnswers = async ({ cluster, world, commands, violated }: Parts): Promise<void> => {
  for (const [index, node] of cluster.nodes.entries()) {
    const mentor = world.mentors[index % world.mentors.length]!
    const now = Date.now()
    const fields = {
      mentorId: mentor.id,
      certType: `node_${node.name}`,
      issuedAt: new Date(now - 1_000).toISOString(),
      expiresAt: new Date(now + 86_400_000 * 400).toISOString(),
    }
    const id = crypto.randomUUID()
    const command: SentCommand = {
      namespace: 'certifications',
      name: 'issue',
      actor: undefined,
      fields,
      id,
      by: world.admin.id,
      sent: 1,
      answered: 1,
    }
    commands.set(id, command)
    const socket = io(`${node.url}/live`, {
      transports: ['websocket'],
      auth: { token: world.admin.token },
      forceNew: true,
    })
    const send = () =>
      socket
        .timeout(5_000)
        .emitWithAck('certifications.issue', { ...fields, commandId: id })
        .catch(() => undefined) as Promise<Reply | undefined>
    let reply = await send()
    for (const until = now + PATIENCE_MS; !reply?.ok && Date.now() < until; reply = await send())
      await sleep(200)
    socket.disconnect()
    if (reply) command.reply = reply
    if (!reply?.ok)
      violated(`node ${node.name} takes no command after the faults: ${JSON.stringify(reply)}`, 'liveness')
  }
}
