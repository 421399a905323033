import type { JsonObject } from '../../../base/json.js'
import { type LogLine, parseLog } from '../../../index.js'
import { escapeBlock, escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { messageText } from '../../terminal/message.js'
import { print } from '../../terminal/output.js'
import { readWhole } from '../../user-files.js'

/** A log as people read it, with the same text for the same lines on every machine; what is removed is not in it. */
export async function textconv(file: string): Promise<number> {
  const bytes = await readWhole(file)
  const lines = parseLog(bytes)
  const header = lines.find(({ kind }) => kind === 'session')?.value
  if (header !== undefined) await print(`session ${escapeLine(String(header.key))}`)
  for (const line of lines) {
    const text = textOf(line, bytes)
    if (text !== undefined && !(await print(`\n${text}`))) break
  }
  return 0
}

function textOf(line: LogLine, bytes: Buffer): string | undefined {
  if (line.kind === 'damage' || line.kind === 'torn')
    return `unreadable line: ${escapeLine(bytes.toString('utf8', line.offset, line.end).trimEnd())}`
  return line.isLive && line.value !== undefined ? lineText(line, line.value) : undefined
}

function lineText({ kind, message }: LogLine, value: JsonObject): string | undefined {
  if (message !== undefined) return messageText(message)
  if (kind === 'message') return `message  ${jsonLine(value.value ?? null)}`
  if (kind === 'meta') return metaText(value.set as JsonObject)
  if (kind === 'value') return valueText(value)
  if (kind === 'compaction') return `summary of all before\n${escapeBlock(String(value.summary)).replace(/^/gm, '  ')}`
  if (kind === 'commit') return `commit ${jsonLine(value.revision ?? null)}, ${nodes(value)}`
  if (kind === 'tombstone') return `tombstone  ${jsonLine(value.ids)}`
  return kind === 'unknown' ? jsonLine(value) : undefined
}

function valueText({ name, value, bytes, expires }: JsonObject): string {
  const held = value !== undefined ? jsonLine(value) : bytes === undefined ? 'deleted' : `bytes ${jsonLine(bytes)}`
  const until = expires === undefined ? '' : `, until ${jsonLine(expires)}`
  return `${escapeLine(String(name))} = ${held}${until}`
}

function metaText(set: JsonObject): string {
  return Object.entries(set)
    .map(([key, value]) => `${escapeLine(key)}: ${jsonLine(value)}`)
    .join('\n')
}

function nodes({ nodes: given }: JsonObject): string {
  return count(Array.isArray(given) ? given.length : 0, 'node')
}
