/** The senders in a chat of people: users by name, and the bots that the caller names. */
import type { JsonObject } from '../../base/json.js'
import type { Job } from './job.js'

export function senderOf(
  { options: { assistant = [] } }: Job,
  name: string | undefined,
  id: string | undefined,
): { role: 'user' | 'assistant'; fields: JsonObject } {
  const isAssistant = (name !== undefined && assistant.includes(name)) || (id !== undefined && assistant.includes(id))
  return {
    role: isAssistant ? 'assistant' : 'user',
    fields: { ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { senderId: id }) },
  }
}
