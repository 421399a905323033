import { flatten } from './escape.js'
import { paint } from './output.js'

/** The words and "phrases in quotes" of a search, as the store's search reads them, in lower case. */
export function wordsOf(query: string): string[] {
  const words = query.match(/"[^"]*"|\S+/gu) ?? []
  return words
    .map((word) => (word.length > 1 && word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1) : word))
    .map((word) => word.toLowerCase())
    .filter((word) => word.trim() !== '')
}

/** Every string anywhere in a message's content. */
export function* stringsIn(content: unknown): Generator<string> {
  if (typeof content === 'string') yield content
  else if (typeof content === 'object' && content !== null) {
    for (const value of Object.values(content)) yield* stringsIn(value)
  }
}

const BEFORE = 16
const LONGEST = 400

/** The part of a text around the first of the words, on one line; null when the text holds none of them. */
export function excerptOf(text: string, words: readonly string[]): string | null {
  const lower = text.toLowerCase()
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0)
  if (places.length === 0) return null
  // A few letters change their length in lower case; the place is then a little off, which only moves the excerpt.
  const place = Math.min(...places)
  let start = Math.max(0, place - BEFORE)
  // Begin with a whole word if one begins near, and never inside a surrogate pair.
  const space = start === 0 ? -1 : text.slice(start, place).search(/\s/)
  if (space >= 0) start += space
  else if (isLowSurrogate(text, start)) start--
  let end = Math.min(text.length, start + LONGEST)
  if (isLowSurrogate(text, end)) end--
  return `${start > 0 ? '…' : ''}${flatten(text.slice(start, end))}${end < text.length ? '…' : ''}`
}

function isLowSurrogate(text: string, place: number): boolean {
  const code = text.charCodeAt(place)
  return code >= 0xdc00 && code <= 0xdfff
}

/** Colours the words in a text. */
export function highlight(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase()
  // Without one-to-one places nothing can be pointed at safely.
  if (lower.length !== text.length) return text
  let out = ''
  let at = 0
  while (at < text.length) {
    const next = nearest(lower, words, at)
    if (next === null) break
    out += text.slice(at, next.start) + paint(['bold', 'yellow'], text.slice(next.start, next.end))
    at = next.end
  }
  return out + text.slice(at)
}

function nearest(lower: string, words: readonly string[], from: number): { start: number; end: number } | null {
  let best: { start: number; end: number } | null = null
  for (const word of words) {
    const start = lower.indexOf(word, from)
    if (start < 0 || (best && (start > best.start || (start === best.start && start + word.length <= best.end))))
      continue
    best = { start, end: start + word.length }
  }
  return best
}
