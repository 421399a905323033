/** The lines of a log as a program outside a store reads them. FORMAT.md beside this file shows each kind. */
import type { Json } from '../base/json.js'
import { isLine, type LineKind, type Piece, type Range, type StoredMessage } from './line.js'
import { isChat, parseLines } from './parse.js'
import { toStored } from './views.js'
import { isLive, knownId, type Visibility, visibilityOf } from './visibility.js'

/** One line of a log. `offset` and `end` are bytes; its line feed belongs to it. */
export interface LogLine extends Range {
  /** Counted from 1. */
  line: number
  /** `damage`: it cannot be read, and `reason` says why; `torn`: half a line at the end, as a crash leaves it. */
  kind: LineKind | 'damage' | 'torn' | 'blank'
  reason?: string
  /** The line as it stands; absent where it cannot be read. */
  value?: { [field: string]: Json }
  /** The id that verbs take; one made of place and bytes where the line has none. */
  id?: string
  /** The line has an id of its own. */
  hasId?: boolean
  /** Readers see it: it is not removed, and does not repeat an earlier line. */
  isLive?: boolean
  /** The message on it, if it has a role; `at` is '' where the line names no time. */
  message?: StoredMessage
}

/**
 * Reads the bytes of a whole log: for programs that look at a log without a store, such as drivers of git and checks
 * of edited files. Never throws, whatever the bytes are.
 * @example
 * const lines = parseLog(Buffer.from('{"role":"user","content":"hi"}\n'))
 * lines.map(({ line, kind, message }) => [line, kind, message?.content]) // [[1, 'message', 'hi']]
 */
export function parseLog(bytes: Buffer): LogLine[] {
  const pieces = parseLines(bytes)
  const visibility = visibilityOf(pieces)
  return pieces.map((piece, i) => ({ line: i + 1, ...shownOf(piece, visibility) }))
}

function shownOf(piece: Piece, visibility: Visibility): Omit<LogLine, 'line'> {
  const { kind, offset, end } = piece
  if (!isLine(piece)) return { kind, offset, end, ...(piece.kind === 'damage' && { reason: piece.reason }) }
  const { value, bare } = piece
  const message = isChat(piece) && { message: toStored(piece, visibility, piece.at ?? '') }
  const id = knownId(piece, visibility)
  return { kind, offset, end, value, id, hasId: !bare, isLive: isLive(piece, visibility), ...message }
}
