/** The order of a context: messages that waited while an answer was generated stand behind that answer. */
import type { JsonObject } from '../base/json.js'
import { callsOf, Exchange } from './context.js'
import { isLine, type Line, type Piece } from './line.js'
import { isChat } from './parse.js'
import { isLive, knownId, reachOver, type Visibility } from './visibility.js'
import { endedBy, isEnding, refOf } from './waiting.js'

/** The active messages in the order of a context, and which of them wait. */
export interface ActiveMessages {
  messages: Line[]
  waits: (line: Line) => boolean
}

/** The active messages of a whole log. */
export function activeMessages(pieces: readonly Piece[], visibility: Visibility): ActiveMessages {
  const lines = pieces.filter(
    (piece): piece is Line =>
      isLine(piece) && (isChat(piece) || piece.kind === 'answered') && isLive(piece, visibility),
  )
  const { messages, waits } = inContextOrder(lines, (line) => knownId(line, visibility))
  const isActive = (line: Line) => reachOver(line, visibility) === undefined
  return { messages: visibility.reaches.length === 0 ? messages : messages.filter(isActive), waits }
}

/**
 * The messages among live messages and `answered` lines, which are given in line order: at each line that ends some,
 * what waits then and is not named in it moves behind it.
 */
export function inContextOrder(lines: readonly Line[], idOf: (line: Line) => string): ActiveMessages {
  const waiting = new Map<string, number>()
  /** Behind which place those stand that move. */
  const behind = new Map<number, number>()
  let lastEnding = -1
  lines.forEach((line, place) => {
    if (isEnding(line)) {
      for (const id of endedBy(line)) {
        const start = waiting.get(id) ?? Number.POSITIVE_INFINITY
        if (lastEnding > start) behind.set(start, lastEnding)
        waiting.delete(id)
      }
      lastEnding = place
    }
    if (refOf(line) !== undefined) waiting.set(idOf(line), place)
  })
  for (const start of waiting.values()) if (lastEnding > start) behind.set(start, lastEnding)
  const stillWaiting = new Set([...waiting.values()].map((place) => lines[place]))
  return { messages: moved(lines, behind), waits: (line) => stillWaiting.has(line) }
}

function moved(lines: readonly Line[], behind: ReadonlyMap<number, number>): Line[] {
  if (behind.size === 0) return lines.filter(isChat)
  const places = lines.map((_, place) => place)
  const target = (place: number) => behind.get(place) ?? place
  const isMoved = (place: number) => (behind.has(place) ? 1 : 0)
  places.sort((a, b) => target(a) - target(b) || isMoved(a) - isMoved(b) || a - b)
  return places.map((place) => lines[place] as Line).filter(isChat)
}

/** What a turn's context leaves out, and which calls it closes. */
export interface ContextView {
  /** False for a message that waits for a later turn. */
  takes?: (line: Line) => boolean
  /** True for a message whose calls get no result any more: their outcome is not known. */
  isCutOff?: (line: Line) => boolean
}

/** What the model should see of them. */
export function shownOf({ messages, waits }: ActiveMessages, { takes, isCutOff }: ContextView = {}): Line[] {
  const taken = takes ? messages.filter((line) => !waits(line) || takes(line)) : messages
  const isWhole = isCutOff === undefined || !taken.some(isCutOff)
  return new Exchange(isWhole ? taken : taken.flatMap((line) => withOutcomes(line, isCutOff)), waits).shown()
}

/** The last of them: more where the first would be a result without its call. */
export function lastOf(shown: readonly Line[], count: number): Line[] {
  if (count === 0) return []
  let start = Math.max(0, shown.length - count)
  while (start > 0 && shown[start]?.value.role === 'tool') start--
  return shown.slice(start)
}

const UNKNOWN_OUTCOME =
  'The outcome of this call is unknown: it was cut off before a result was recorded. Verify what it did before it is made again.'

/** A message with calls that was cut off, and results that stand for the ones that it may lack. */
function withOutcomes(line: Line, isCutOff: (line: Line) => boolean): Line[] {
  if (line.value.role !== 'assistant' || !isCutOff(line)) return [line]
  const field = line.value.toolCalls === undefined ? 'tool_call_id' : 'toolCallId'
  const results = [...new Set(callsOf(line))].map((call): Line => {
    const value: JsonObject = { role: 'tool', content: UNKNOWN_OUTCOME, [field]: call }
    return { ...line, id: '', value }
  })
  return [line, ...results]
}
