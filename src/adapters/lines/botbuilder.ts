/** Activities of the Bot Framework as message lines. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import type { ChatMessage } from '../../log/line.js'
import type { Entry } from '../../session/entry.js'
import { plainOf } from '../shared/items.js'

/** Fields that are Dates in a program. */
const DATES = ['timestamp', 'localTimestamp', 'expiration']

/** The text moves out of `activity`; what no speaker said is an event. */
export function activityLine(activity: JsonObject): ChatMessage {
  const { text, ...rest } = activity
  if (activity.type !== 'message') return { role: 'event', activity }
  const { from } = activity
  const role = isObject(from) && from.role === 'bot' ? 'assistant' : 'user'
  return text === undefined ? { role, activity } : { role, content: text, activity: rest }
}

/** The activity of a line, or what a plain message is as one; undefined for all others. Its fields are JSON. */
export function activityOf(
  { id, at, message }: Entry,
  channelId: string,
  conversationId: string,
): JsonObject | undefined {
  const { content, activity } = message
  if (isObject(activity)) return content === undefined ? activity : withText(activity, content)
  const plain = plainOf(message)
  if (plain === undefined || plain.role === 'tool') return undefined
  const from = { id: plain.role, name: plain.role, role: plain.role === 'user' ? 'user' : 'bot' }
  const where = { channelId, conversation: { id: conversationId } }
  return { type: 'message', id, timestamp: at.toISOString(), ...where, from, text: plain.text }
}

/** The text stands behind the id, as programs write it: some compare activities as texts. */
function withText(activity: JsonObject, text: Json): JsonObject {
  const fields = Object.entries(activity)
  const [behind = fields.length - 1] = fields.flatMap(([name], i) => (name === 'id' ? [i] : []))
  return Object.fromEntries(fields.toSpliced(behind + 1, 0, ['text', text]))
}

/** With Dates where a program has them. */
export function withDates(activity: JsonObject): Record<string, unknown> {
  const dates = DATES.flatMap((field): Array<[string, Date]> => {
    const given = activity[field]
    const date = new Date(typeof given === 'string' ? given : Number.NaN)
    return Number.isNaN(date.getTime()) ? [] : [[field, date]]
  })
  return { ...activity, ...Object.fromEntries(dates) }
}
