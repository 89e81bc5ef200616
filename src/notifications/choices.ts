import type { DeliveryChannel } from '../../contracts/delivery.ts'
import type { NotificationSettings } from '../../contracts/preference.ts'

/** Whether somebody wants to be told of a topic over a channel: the topic itself decides, then its noun, then the channel. */
export const isWanted = (
  settings: NotificationSettings,
  topic: string,
  channel: DeliveryChannel,
): boolean => {
  const { topics } = settings
  const [noun = topic] = topic.split('.')
  const chosen = [topic, noun].map((name) =>
    Object.hasOwn(topics, name) ? topics[name]?.[channel] : undefined,
  )
  return chosen[0] ?? chosen[1] ?? settings[channel]
}
