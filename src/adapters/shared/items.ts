/** Items of a framework among the messages of a session; messages that are none are passed over. */
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import type { Session } from '../../session/session.js'

/** What a framework makes of a message; undefined for one that is none of its. */
export type ReadItem<T> = (entry: Entry) => T | undefined

/** All items, or the last so many, oldest first. Reads from the end as much as it takes. */
export async function itemsOf<T>(session: Session, read: ReadItem<T>, last?: number): Promise<T[]> {
  if (last === undefined) return itemsIn(session.entries(), read)
  if (last === 0) return []
  for (let count = last; ; count *= 2) {
    let seen = 0
    const counted: ReadItem<T> = (entry) => {
      seen++
      return read(entry)
    }
    const items = await itemsIn(session.entries({ last: count }), counted)
    if (items.length >= last || seen < count) return items.slice(-last)
  }
}

async function itemsIn<T>(entries: AsyncIterable<Entry>, read: ReadItem<T>): Promise<T[]> {
  const items: T[] = []
  for await (const entry of entries) {
    const item = read(entry)
    if (item !== undefined) items.push(item)
  }
  return items
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
