/** What readers see of a log. All functions here are pure; `fileTime` is the log's modification time as ISO text. */
import { isObject, type Json, type JsonObject } from '../base/json.js'
import { type ChatMessage, isIdList, isLine, type Line, type Piece, type StoredMessage } from './line.js'
import { isChat, timeOf } from './parse.js'
import { isLive, knownId, timeIn, type Visibility } from './visibility.js'

/** The live messages in line order. */
export function messagesOf(pieces: readonly Piece[], visibility: Visibility, fileTime: string): StoredMessage[] {
  const messages: StoredMessage[] = []
  for (const piece of pieces) {
    if (isLine(piece) && isChat(piece) && isLive(piece, visibility))
      messages.push(toStored(piece, visibility, fileTime))
  }
  return messages
}

/** One message as its writer gave it, with the line's id and time where it has none of its own. */
export function toStored(line: Line, visibility: Visibility, fileTime: string): StoredMessage {
  const { value } = line
  const isWhole = value.type === undefined && !line.bare && line.at !== undefined && line.at === value.at
  const isBare = value.received === undefined && value.answers === undefined
  if (isWhole && isBare && visibility.copies.size === 0) return value as StoredMessage
  return { id: knownId(line, visibility), at: timeIn(line, visibility, fileTime), ...asGiven(line) } as StoredMessage
}

/** One message as its writer gave it, without the fields that the line adds. */
export function asGiven({ value, bare, at: time }: Line): ChatMessage {
  if (value.type === undefined && !bare && time !== undefined && isOurs(value)) {
    // to copy the rest is several times as fast as to delete
    const { id, at, received, answers, ...given } = value
    return given as unknown as ChatMessage
  }
  const given: JsonObject = { ...value }
  if (typeof given.id === 'string' && given.id !== '') delete given.id
  if (timeOf(given.at) !== undefined) delete given.at
  if (typeof given.received === 'string') delete given.received
  if (isIdList(given.answers)) delete given.answers
  if (given.type === undefined) return given as unknown as ChatMessage
  delete given.type
  if (!isObject(given.own)) return given as unknown as ChatMessage
  const own = given.own
  delete given.own
  return { ...given, ...own } as unknown as ChatMessage
}

/** True where what the store adds to a message is either missing or added by it. */
function isOurs({ received, answers }: JsonObject): boolean {
  return (received === undefined || typeof received === 'string') && (answers === undefined || isIdList(answers))
}

/** The live message lines in order, those of values without a role included. */
export function messageLines(pieces: readonly Piece[], visibility: Visibility): Line[] {
  return pieces.filter((piece): piece is Line => piece.kind === 'message' && isLive(piece, visibility))
}

/** The message of a line, as its writer gave it. */
export function messageOf(line: Line): Json {
  return isChat(line) ? (asGiven(line) as Json) : (line.value.value as Json)
}

/** The summary in force: that of the last live compaction line. */
export interface ActiveSummary {
  id: string
  at: string
  text: string
}

export function summaryOf(pieces: readonly Piece[], visibility: Visibility, fileTime: string): ActiveSummary | null {
  const last = pieces.findLast((piece) => piece.kind === 'compaction' && isLive(piece, visibility)) as Line | undefined
  return last === undefined
    ? null
    : { id: knownId(last, visibility), at: timeIn(last, visibility, fileTime), text: String(last.value.summary) }
}

/** Every string inside a message's content. */
export function textsOf(line: Line): string[] {
  return stringsIn(line.value.content)
}

/** Every string anywhere in a value. */
export function stringsIn(value: unknown): string[] {
  const texts: string[] = []
  const open: unknown[] = [value]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part === 'string') texts.push(part)
    else if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) open.push(inner)
  }
  return texts
}

/** Ids of the lines, and of the compactions in force that cover the first of them: a summary must not outlive its messages. */
export function idsToRemove(lines: readonly Line[], pieces: readonly Piece[], visibility: Visibility): string[] {
  const [first] = lines
  if (first === undefined) return []
  const compactions = pieces.filter((piece): piece is Line => piece.kind === 'compaction' && isLive(piece, visibility))
  const throughs = new Set(compactions.map(({ value }) => value.through))
  const covered = new Set<unknown>()
  if (throughs.size > 0) {
    for (const piece of pieces) {
      if (piece.kind !== 'message' || piece.offset < first.offset) continue
      if (visibility.copies.get(piece.offset) === 'duplicate') continue
      const id = knownId(piece, visibility)
      if (throughs.has(id)) covered.add(id)
    }
  }
  const covering = compactions.filter(({ value }) => covered.has(value.through))
  return [...lines, ...covering].map((line) => knownId(line, visibility))
}

/** The model that wrote a message, as bots and imports name it. */
export function modelOf({ model, source, usage }: JsonObject): string | undefined {
  const named = [model, isObject(source) ? source.model : undefined, isObject(usage) ? usage.model : undefined]
  return named.find((one): one is string => typeof one === 'string' && one !== '')
}
