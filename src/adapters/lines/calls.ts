/** The calls of a message in the fields of the log format, which contexts, forks and recoveries read. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'

interface Calls {
  toolCalls?: JsonObject[]
}

/** The field `toolCalls` of those among `calls` that have a text as `id`; no field where there are none. */
export function callsIn(calls: Json | undefined): Calls {
  if (!Array.isArray(calls)) return {}
  const toolCalls = calls
    .filter((call) => isObject(call) && typeof call.id === 'string')
    .map((call) => callOf((call as JsonObject).id as string, (call as JsonObject).name))
  return toolCalls.length === 0 ? {} : { toolCalls }
}

export function callOf(id: string, name: Json | undefined): JsonObject {
  return typeof name === 'string' ? { id, name } : { id }
}
