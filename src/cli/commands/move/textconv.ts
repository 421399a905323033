import type { JsonObject } from '../../../base/json.js'
import { foldAll } from '../../../log/fold.js'
import type { Line, Piece } from '../../../log/line.js'
import { isChat, parseLines } from '../../../log/parse.js'
import { messageOf, toStored } from '../../../log/views.js'
import { isLive, type Visibility, visibilityOf } from '../../../log/visibility.js'
import { escapeBlock, escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { messageText } from '../../terminal/message.js'
import { print } from '../../terminal/output.js'
import { readWhole } from '../../user-files.js'

/** A log as people read it, with the same text for the same lines on every machine; what is removed is not in it. */
export async function textconv(file: string): Promise<number> {
  const bytes = await readWhole(file)
  const pieces = parseLines(bytes)
  const visibility = visibilityOf(pieces)
  const { header } = foldAll(pieces, visibility)
  if (header !== null) await print(`session ${escapeLine(header.key)}`)
  for (const piece of pieces) {
    const text = textOf(piece, visibility, bytes)
    if (text !== undefined && !(await print(`\n${text}`))) break
  }
  return 0
}

function textOf(piece: Piece, visibility: Visibility, bytes: Buffer): string | undefined {
  if (piece.kind === 'blank') return undefined
  if (piece.kind === 'damage' || piece.kind === 'torn') {
    return `unreadable line: ${escapeLine(bytes.toString('utf8', piece.offset, piece.end).trimEnd())}`
  }
  return isLive(piece, visibility) ? lineText(piece, visibility) : undefined
}

function lineText(line: Line, visibility: Visibility): string | undefined {
  const { kind, value } = line
  // the time of a line without one would be that of a temporary file
  if (isChat(line)) return messageText(toStored(line, visibility, line.at ?? ''))
  if (kind === 'message') return `message  ${jsonLine(messageOf(line))}`
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
