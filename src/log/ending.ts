/** How a conversation ends: what a crash in the middle of a turn leaves unsaid. */
import { answeredCall, callsOf } from './context.js'
import type { Line } from './line.js'

/** Asked of the active messages from the last one backwards. */
export class Ending {
  /** The last word is the user's. */
  unanswered = false
  /** Ids of the last calls that have no result yet. */
  openToolCalls: string[] = []
  readonly #answered = new Set<string>()
  #isLast = true

  /** True as soon as the messages before this one do not matter. */
  ask(line: Line): boolean {
    const { role } = line.value
    if (role === 'user') this.unanswered = this.#isLast
    if (role === 'user') return true
    if (role === 'assistant' || role === 'tool') this.#isLast = false
    if (role === 'tool') {
      const call = answeredCall(line)
      if (call !== undefined) this.#answered.add(call)
    }
    if (role !== 'assistant') return false
    const calls = callsOf(line)
    this.openToolCalls = calls.filter((call) => !this.#answered.has(call))
    return calls.length > 0
  }
}
