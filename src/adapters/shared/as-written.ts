/** What stands in a log of a message that an adapter adds: what the store's option `redact` makes of it. */
import type { Json } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import { type AnyStore, internalsOf } from '../../store/store.js'

/** For comparing what is given with what was written; without the option, the messages themselves. */
export function asWritten(store: AnyStore, key: string, messages: readonly ChatMessage[]): ChatMessage[] {
  const redaction = internalsOf(store).log(key).redaction()
  if (redaction === undefined) return [...messages]
  return messages.map((message) => redaction(message as unknown as Json, 'message') as unknown as ChatMessage)
}
