/** What a first reading of a Codex rollout finds out: whether its events are all there is of the conversation. */
import type { JsonObject } from '../../../base/json.js'
import { objectOf, textOr } from '../../shared/blocks.js'
import type { Planner } from '../../shared/format.js'
import type { Unit } from '../../shared/unit.js'

export const CALLS = new Set(['function_call', 'custom_tool_call', 'local_shell_call', 'tool_search_call'])

/** What only a reading of the whole file shows. */
export interface CodexPlan {
  /** No line is a message of its own: the events are the conversation. */
  fromEvents: boolean
  /** Calls whose result stands in an event only. */
  lacking: ReadonlySet<string>
}

export class CodexPlanner implements Planner {
  #hasMessages = false
  readonly #answered = new Set<string>()
  readonly #ended = new Set<string>()
  readonly #made = new Set<string>()

  push({ value }: Unit): void {
    const payload = objectOf(value.payload)
    const call = textOr(payload.call_id)
    if (value.type === 'response_item') {
      if (isMessage(payload)) this.#hasMessages = true
      else if (isOutput(payload) && call !== undefined) this.#answered.add(call)
      else if (CALLS.has(payload.type as string) && call !== undefined) this.#made.add(call)
    } else if (payload.type === 'exec_command_end' && call !== undefined) this.#ended.add(call)
  }

  plan(): CodexPlan {
    const lacking = [...this.#ended].filter((call) => this.#made.has(call) && !this.#answered.has(call))
    return { fromEvents: !this.#hasMessages, lacking: new Set(lacking) }
  }
}

export function isMessage({ type, role }: JsonObject): boolean {
  return type === 'message' || (type === undefined && typeof role === 'string')
}

export function isOutput({ type }: JsonObject): boolean {
  return typeof type === 'string' && type.endsWith('_output')
}
