/** What is shown of lines: days between them, results with their calls. Decided on plain data. */

import { isObject, type JsonObject } from '../../../base/json.js'
import { type Call, callsIn, isFailed, type Outcome, resultBody, resultOf } from '../../../formats/html/message.js'
import type { LogLine } from '../../api/shapes.js'
import { dayOf, span } from '../format.js'

export type Entry =
  | { what: 'day'; key: string; day: string }
  | { what: 'line'; key: string; line: LogLine; results: ReadonlyMap<string, LogLine>; signature: string }

export interface Shown {
  removed: boolean
  /** Lines that are no messages: labels, commits, references. */
  records: boolean
}

const RECORDS = new Set(['session', 'meta', 'remove', 'answered', 'tombstone', 'unknown', 'blank', 'commit', 'value'])

export function isShown({ kind, marks = [] }: LogLine, { removed, records }: Shown): boolean {
  if (RECORDS.has(kind)) return records
  return removed || !marks.some((mark) => mark === 'removed' || mark === 'duplicate')
}

export function entriesOf(lines: readonly LogLine[], shown: Shown): Entry[] {
  const visible = lines.filter((line) => isShown(line, shown))
  const results = new Map<string, LogLine>()
  const calls = new Set<string>()
  for (const line of visible) {
    for (const { id } of allCalls(line)) if (id !== null) calls.add(id)
    const call = line.value === undefined ? null : resultOf(line.value as JsonObject)
    if (call !== null && calls.has(call)) results.set(call, line)
  }
  const joined = new Set(results.values())
  const entries: Entry[] = []
  let day = ''
  for (const line of visible) {
    if (joined.has(line)) continue
    const today = line.at === undefined ? day : dayOf(line.at)
    if (today !== day) entries.push({ what: 'day', key: `day ${line.offset}`, day: today })
    day = today
    const signature = allCalls(line)
      .map(({ id }) => (id === null ? '' : (results.get(id)?.offset ?? 'none')))
      .join()
    entries.push({ what: 'line', key: `${line.offset}`, line, results, signature })
  }
  return entries
}

function allCalls({ value, kind }: LogLine): Call[] {
  if (kind !== 'message' || value === undefined) return []
  const content = Array.isArray(value.content) ? value.content : []
  const inContent = content.filter((part) => isObject(part) && part.type === 'tool_use') as JsonObject[]
  return [
    ...callsIn(value as JsonObject),
    ...inContent.map(({ id }) => ({ id: typeof id === 'string' ? id : null, name: '', input: null })),
  ]
}

/** What became of a call of this line. `isWhole`: the lines reach to the end of the log. */
export function outcomeOf(call: Call, line: LogLine, results: ReadonlyMap<string, LogLine>, isWhole: boolean): Outcome {
  const result = call.id === null ? undefined : results.get(call.id)
  if (result === undefined) {
    return { note: isWhole ? 'not answered' : 'its answer is not in sight', isError: false, nodes: [] }
  }
  const value = result.value as JsonObject
  const took =
    line.at === undefined || result.at === undefined ? Number.NaN : Date.parse(result.at) - Date.parse(line.at)
  const isError = isFailed(value)
  const time = Number.isNaN(took) || took < 0 ? 'answered' : `answered in ${span(took)}`
  return { note: isError ? `✕ failed, ${time}` : time, isError, nodes: resultBody(value) }
}
