/** The message of a log that a search shows. */
import { isLine, type Line } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { asGiven, stringsIn, textsOf } from '../log/views.js'
import { isLive, knownId, timeIn, type WholeLog } from '../log/visibility.js'
import { foldedText } from './words.js'

/** So many lines are searched between two looks at the event loop. */
const LINES_A_STEP = 32

/** Where the words were found. */
export interface SearchMatch {
  /** The id of the line: of the first message that holds as many of the words as any other. */
  id: string
  /** When it was appended. */
  at: Date
  role: string
  /** Where its line begins in the log, bytes. */
  offset: number
  /** The text around the first of the words, on one line, at most 400 characters. */
  snippet: string
}

export interface Found {
  /** How many of the words the session holds. */
  count: number
  match: SearchMatch
}

/** What is searched of a message. */
export type TextReader = (line: Line) => Iterable<string>

export function textReader(texts: unknown): TextReader {
  if (texts === 'all') return allTextsOf
  if (texts === 'content') return textsOf
  if (typeof texts !== 'function') throw new TypeError("texts must be 'all', 'content' or a function")
  return (line) => {
    const found: unknown = texts(asGiven(line))
    return typeof found === 'string' ? [found] : (found as readonly string[])
  }
}

function* allTextsOf(line: Line): Generator<string> {
  yield* textsOf(line)
  const { role: _, content: __, id: ___, ...others } = asGiven(line)
  yield* stringsIn(others)
}

/** Yields after each step of lines. */
export function* findMatch(
  { pieces, visibility, fileTime }: WholeLog,
  words: readonly string[],
  textsOf: TextReader,
): Generator<undefined, Found | undefined> {
  let passed = 0
  const all = new Set<string>()
  let best: { line: Line; text: string; count: number } | undefined
  for (const piece of pieces) {
    if (++passed % LINES_A_STEP === 0) yield
    if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
    const held = new Set<string>()
    let first: string | undefined
    for (const text of textsOf(piece)) {
      const lower = foldedText(text)
      const inside = words.filter((word) => lower.includes(word))
      if (inside.length > 0) first ??= text
      for (const word of inside) held.add(word)
    }
    for (const word of held) all.add(word)
    if (first !== undefined && held.size > (best?.count ?? 0)) best = { line: piece, text: first, count: held.size }
    if (best?.count === words.length) break
  }
  if (best === undefined) return undefined
  const { line, text } = best
  const id = knownId(line, visibility)
  const at = new Date(timeIn(line, visibility, fileTime))
  const snippet = snippetOf(text, words)
  return { count: all.size, match: { id, at, role: String(line.value.role), offset: line.offset, snippet } }
}

const BEFORE = 16
const LONGEST = 400

/** The part of a text around the first of the words. */
export function snippetOf(given: string, words: readonly string[]): string {
  const text = given.normalize('NFC')
  const lower = foldedText(text)
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0)
  // a few letters change their length in lower case: the place is then a little off, which only moves the snippet
  const place = Math.min(...places)
  let start = Math.max(0, place - BEFORE)
  // a whole word first, if one begins near, and never half a surrogate pair
  const space = start === 0 ? -1 : text.slice(start, place).search(/\s/)
  if (space >= 0) start += space
  else if (isLowSurrogate(text, start)) start--
  let end = Math.min(text.length, start + LONGEST)
  if (isLowSurrogate(text, end)) end--
  const inner = text.slice(start, end).replace(/\s+/gu, ' ').trim()
  return `${start > 0 ? '…' : ''}${inner}${end < text.length ? '…' : ''}`
}

function isLowSurrogate(text: string, place: number): boolean {
  const code = text.charCodeAt(place)
  return code >= 0xdc00 && code <= 0xdfff
}
