/** Giving the texts of a line another form, before it is written or afterwards. What names lines and sessions stays. */
import { isObject, type Json, type JsonObject, jsonEqual } from '../base/json.js'
import { isLine, LINE_FIELDS, type Line } from './line.js'
import { parseLines } from './parse.js'
import { lineText, membersOf } from './rewrite/json-text.js'
import { messageText } from './serialize.js'
import { asGiven } from './views.js'

/**
 * What a text belongs to: a message, a message without a role of `SessionManager`, a named value, the labels of a session
 * (an object with some of `name`, `tags`, `metadata` and others), the summary of a compaction (`{ role, content }`), a
 * node of a graph, the JSON parts of a checkpoint, or a line that an import kept of another tool.
 */
export type TextKind = 'message' | 'data' | 'value' | 'labels' | 'summary' | 'node' | 'checkpoint' | 'record'

/** Returns what is to be written in place of a value. */
export type Redaction = (value: Json, kind: TextKind) => Json

/** Of the labels: what rewrites carry over, and where an import stands. */
const NOT_TEXT = ['createdAt', 'lastActivity', 'carriedUsage', 'carriedRefs', 'import']
const NODE_NAMES = ['nodeId', 'parentNodeId', 'kind', 'pluginType', 'timestamp']

/** The text of a line with its texts redacted; the same text where that changes nothing. `text` ends with or without a line feed. */
export function redactedLine(text: string, redaction: Redaction): string {
  const [line] = parseLines(Buffer.from(text))
  if (line === undefined || !isLine(line)) return text
  const fields = changedFields(line, text, redaction)
  if (fields === undefined) return text
  return `${fields}${text.endsWith('\n') ? '\n' : ''}`
}

function changedFields(line: Line, text: string, redaction: Redaction): string | undefined {
  const { kind, value } = line
  if (kind === 'message' && typeof value.role === 'string') return messageFields(line, text, redaction)
  const [field, now] = changeOf(line, redaction)
  if (field === undefined || jsonEqual(now, value[field])) return undefined
  return withField(text, field, JSON.stringify(now))
}

/** The field of a line that holds texts, and what it is to hold. */
function changeOf({ kind, value }: Line, redaction: Redaction): [string | undefined, Json] {
  if (kind === 'message') return ['value', redaction(value.value as Json, 'data')]
  if (kind === 'value' && value.value !== undefined) return ['value', redaction(value.value, 'value')]
  if (kind === 'meta') return ['set', redactedLabels(value.set as JsonObject, redaction)]
  if (kind === 'compaction') {
    const summary = redaction({ role: 'system', content: value.summary as string }, 'summary')
    return ['summary', isObject(summary) && typeof summary.content === 'string' ? summary.content : '']
  }
  if (kind === 'commit' && Array.isArray(value.nodes))
    return ['nodes', value.nodes.map((node) => redactedNode(node, redaction))]
  if (value.type === 'record' && value.record !== undefined) return ['record', redaction(value.record, 'record')]
  return [undefined, null]
}

export function redactedNode(node: Json, redaction: Redaction): Json {
  if (!isObject(node)) return node
  const now = redaction(node, 'node')
  const names = NODE_NAMES.flatMap((name) => (Object.hasOwn(node, name) ? [[name, node[name] as Json] as const] : []))
  return { ...(isObject(now) ? now : {}), ...Object.fromEntries(names) }
}

/** The labels that a caller sets, redacted; all others as they are. */
export function redactedLabels(set: JsonObject, redaction: Redaction): JsonObject {
  const rows = Object.entries(set)
  const kept = rows.filter(([name]) => NOT_TEXT.includes(name))
  const given = rows.filter(([name]) => !NOT_TEXT.includes(name))
  if (given.length === 0) return set
  const now = redaction(Object.fromEntries(given), 'labels')
  return { ...(isObject(now) ? now : {}), ...Object.fromEntries(kept) }
}

/** Every field of a message stays where it stood: beside the line's own ones, or in `own`. */
function messageFields(line: Line, text: string, redaction: Redaction): string | undefined {
  const given = asGiven(line) as unknown as JsonObject
  const now = redaction(given, 'message')
  if (!isObject(now) || jsonEqual(now, given)) return undefined
  messageText(now)
  const inOwn = line.value.type === 'message' && isObject(line.value.own) ? line.value.own : {}
  const isOwn = (name: string) => Object.hasOwn(inOwn, name) || (LINE_FIELDS as readonly string[]).includes(name)
  const rows = Object.entries(now)
  const own = rows.filter(([name]) => isOwn(name))
  const ofLine = membersOf(text).filter(
    ({ key }) => ['id', 'at', 'received', 'answers'].includes(key) && !Object.hasOwn(given, key),
  )
  const written = (fields: Array<[string, Json]>) =>
    fields.map(([key, value]) => ({ key, text: JSON.stringify(value) }))
  const typed = own.length > 0 ? written([['type', 'message']]) : []
  const aside = own.length > 0 ? written([['own', Object.fromEntries(own)]]) : []
  return lineText([...typed, ...written(rows.filter(([name]) => !isOwn(name))), ...aside, ...ofLine])
}

/** The text of a line with another value in one field; the texts of all others stay. */
function withField(text: string, field: string, value: string): string {
  const members = membersOf(text)
  const place = members.findLastIndex(({ key }) => key === field)
  return lineText(members.map((member, i) => (i === place ? { key: field, text: value } : member)))
}
