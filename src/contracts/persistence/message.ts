/** The line that an agent's message becomes. */

import { checkCount, checkOptionalText } from '../../base/arguments.js'
import { isObject, type JsonObject } from '../../base/json.js'
import { TOKEN_COUNTERS } from '../../log/agent-message.js'

const ROLES: readonly unknown[] = ['system', 'user', 'assistant', 'tool']

/** @throws TypeError, RangeError for a counter that is no whole number from 0 */
export function toLine(message: unknown, agent: string | null): JsonObject {
  if (!isObject(message)) throw new TypeError('a message must be an object')
  const { role } = message
  if (!ROLES.includes(role)) throw new TypeError("a role must be 'system', 'user', 'assistant' or 'tool'")
  const line: JsonObject = { role: role as string, content: checkOptionalText('content', message.content) }
  const toolCalls = checkOptionalText('toolCalls', message.toolCalls)
  const toolCallId = checkOptionalText('toolCallId', message.toolCallId)
  if (toolCalls !== null) line.toolCalls = toolCalls
  if (toolCallId !== null) line.toolCallId = toolCallId
  if (agent !== null) line.agent = agent
  if (message.usage !== undefined && message.usage !== null) line.usage = usageOf(message.usage)
  return line
}

function usageOf(given: unknown): JsonObject {
  if (!isObject(given)) throw new TypeError('usage must be an object of counters')
  const usage: JsonObject = {}
  for (const name of TOKEN_COUNTERS) {
    const count = given[name]
    if (count === undefined) continue
    checkCount(name, count)
    usage[name] = count
  }
  const stopReason = checkOptionalText('stopReason', given.stopReason)
  return stopReason === null ? usage : { ...usage, stopReason }
}
