/** Items of a framework among the messages of a session; messages that are none are passed over. */
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { entriesOf, lastEntries } from '../../session/read/entries.js'
import type { Session } from '../../session/session.js'

/** What a framework makes of a message; undefined for one that is none of its. */
export type ReadItem<T> = (entry: Entry) => T | undefined

/** All items, or the last so many, oldest first. Reads from the end as much as it takes. */
export async function itemsOf<T>(log: SessionLog, read: ReadItem<T>, last?: number): Promise<T[]> {
  log.context.checkOpen()
  const isItem = (item: T | undefined): item is T => item !== undefined
  if (last === undefined) {
    const items: T[] = []
    for await (const entry of entriesOf<ChatMessage>(log, {})) {
      const item = read(entry)
      if (isItem(item)) items.push(item)
    }
    return items
  }
  for (let count = last; ; count *= 2) {
    const entries = await lastEntries(log, count)
    const items = entries.map(read).filter(isItem)
    if (items.length >= last || entries.length < count) return items.slice(Math.max(0, items.length - last))
  }
}

/** Removes the last item and returns it; messages behind it that are none stay. */
export async function popItemOf<T>(session: Session, read: ReadItem<T>): Promise<T | undefined> {
  for (let last = 1; ; last *= 2) {
    const { item, isAll } = await session.change({ last }, ({ entries }) => {
      const found = lastItem(entries, read)
      return {
        remove: found === undefined ? [] : [found.id],
        result: { item: found?.item, isAll: entries.length < last },
      }
    })
    if (item !== undefined || isAll) return item
  }
}

function lastItem<T>(entries: readonly Entry[], read: ReadItem<T>): { id: string; item: T } | undefined {
  for (const entry of [...entries].reverse()) {
    const item = read(entry)
    if (item !== undefined) return { id: entry.id, item }
  }
  return undefined
}

/** A message that no framework's field describes, in words that all of them have. */
export type PlainMessage =
  | { role: 'user' | 'assistant' | 'system'; text: string }
  | { role: 'tool'; toolCallId: string; text: string }

/** Undefined for a message that has no such words. */
export function plainOf({ role, content, toolCallId }: ChatMessage): PlainMessage | undefined {
  if (role === 'tool' && typeof toolCallId === 'string') return { role, toolCallId, text: textIn(content) }
  if (typeof content !== 'string') return undefined
  return role === 'user' || role === 'assistant' || role === 'system' ? { role, text: content } : undefined
}

function textIn(content: ChatMessage['content']): string {
  return typeof content === 'string' ? content : JSON.stringify(content ?? null)
}
