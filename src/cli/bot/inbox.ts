import type { InputLine } from './split-lines.js'

/** A message of a user to the bot. */
export interface Incoming {
  sender: string
  text: string
  /** The answer, when the inbox contains it. */
  reply: string | null
}

/** A longer line is refused: it is hardly a chat message, and would have to be held in memory. */
export const MAX_LINE = 16 * 1024 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The message that a line holds, null for a blank line, or the reason why it holds none. */
export function readIncoming({ data }: InputLine): Incoming | null | string {
  if (data === null) return `longer than ${MAX_LINE / 1024 / 1024} MB`
  let text: string
  try {
    // A byte order mark at the start is dropped by the decoder.
    text = utf8.decode(data)
  } catch {
    return 'not UTF-8'
  }
  if (text.trim() === '') return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  return check(value)
}

function check(value: unknown): Incoming | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object'
  const { sender, text, reply } = value as Record<string, unknown>
  if (typeof sender !== 'string' || sender === '') return 'sender is not a non-empty string'
  if (/\p{Surrogate}/u.test(sender)) return 'sender holds half a character (a lone surrogate)'
  if (typeof text !== 'string') return 'text is not a string'
  if (reply !== undefined && reply !== null && typeof reply !== 'string') return 'reply is neither a string nor null'
  return { sender, text, reply: reply ?? null }
}
