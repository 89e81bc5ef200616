import type { Engine } from '../../actors/engine/engine.ts'
import type { Message } from '../../actors/engine/message.ts'
import type { Reply } from '../../contracts/protocol.ts'

/** What an actor is made of that is not there when somebody tells it something: its input, and what its first turn says. */
type Birth = { input: object; payload: object }

/** Tells an actor something. Where there is none, it is made first, as far as anybody says of what. */
export const tellOrCreate = async (
  { send }: Pick<Engine, 'send'>,
  message: Message,
  birth: Birth | undefined,
): Promise<Reply> => {
  const told = await send(message)
  if (told.ok || told.error.code !== 'not_found' || !birth) return told
  const made = await send(creating(message, birth))
  // Somebody else may have been faster: then there is one to tell.
  return made.ok || made.error.code === 'already_exists' ? send(message) : made
}

/** What the message settles, it settles when it is heard. */
const creating = ({ settles: _, ...message }: Message, { input, payload }: Birth): Message => ({
  ...message,
  id: `${message.id}:create`,
  type: 'created',
  payload,
  creation: { input },
})
