/** Lines that get another text in a rewrite: with what stood in for their ids and times, and with places that moved. */
import type { JsonObject } from '../../base/json.js'
import type { LineChange } from '../graph/vacuum.js'
import type { Line } from '../line.js'
import { isUndated, knownId, REMOVABLE, timeIn, type Visibility } from '../visibility.js'
import { lineText, membersOf, objectText, ownOf } from './json-text.js'

export interface Mending {
  /** Messages that are dropped, with the live message before each: a `through` moves there. */
  heirs: ReadonlyMap<string, string | null>
  /** By offset, the text of the line that takes the place of a dropped answer. */
  answers: ReadonlyMap<number, string>
  /** What becomes of lines for another reason. */
  changes: LineChange
}

export const NO_HEIRS: ReadonlyMap<string, string | null> = new Map()

/** What stands in for the id and the time of a line that lacks them, or whose id another line has. */
export function standIns(line: Line, visibility: Visibility, fileTime: string): JsonObject {
  return newFields(line, visibility, fileTime, NO_HEIRS)
}

/** What must be written into a line: what stood in for its id and time, and where a moved `through` points. */
export function newFields(line: Line, visibility: Visibility, fileTime: string, heirs: Mending['heirs']): JsonObject {
  const fields: JsonObject = {}
  if (!REMOVABLE.has(line.kind)) return fields
  const id = knownId(line, visibility)
  if (id !== line.value.id) fields.id = id
  if (isUndated(line)) fields.at = timeIn(line, visibility, fileTime)
  const heir = line.kind === 'compaction' ? heirs.get(line.value.through as string) : undefined
  if (heir !== undefined) fields.through = heir
  return fields
}

/** The new text of a line whose edit is `mend`, without line feed. `raw` is its text on disk. */
export function mendLine(raw: string, line: Line, plan: Mending, visibility: Visibility, fileTime: string): string {
  const answer = plan.answers.get(line.offset)
  if (answer !== undefined) return answer
  const change = plan.changes(line)
  return change ? change(raw) : withFields(raw, line, newFields(line, visibility, fileTime, plan.heirs))
}

/** The text of a line with these fields of the line written in. A message's own fields of their names move to `own`. */
export function withFields(raw: string, line: Line, fields: JsonObject): string {
  const written = Object.entries(fields).map(([key, value]) => ({ key, text: JSON.stringify(value) }))
  const members = membersOf(raw)
  const moved =
    line.kind === 'message' ? members.filter(({ key }) => Object.hasOwn(fields, key) && isOwn(line, key)) : []
  const rest = members.filter(({ key }) => !Object.hasOwn(fields, key))
  if (moved.length === 0) return lineText([...rest, ...written])
  const type = { key: 'type', text: '"message"' }
  const own = { key: 'own', text: objectText([...moved, ...ownOf(line, rest)]) }
  return lineText([type, ...rest.filter(({ key }) => key !== 'type' && key !== 'own'), own, ...written])
}

/** True when the field is no id or no time of the line: then it is the message's own. */
function isOwn(line: Line, field: string): boolean {
  return field === 'id' ? line.bare : line.at === undefined
}
