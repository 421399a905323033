/** Finds the sessions whose messages contain some words: candidates of the index are scanned, the newest first. */
import { isAscii } from 'node:buffer'
import { checkCount, checkOptionalText } from '../base/arguments.js'
import { breathe, isLoopHeld } from '../base/event-loop.js'
import { read, readIntoSync } from '../disk/files.js'
import { LogReader } from '../disk/log-reader.js'
import { nameOf } from '../disk/names.js'
import { infoIn } from '../list/row.js'
import type { SessionIndex } from '../list/session-index.js'
import type { StoreInternals } from '../list/store-internals.js'
import { isLine, type Piece } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { textsOf } from '../log/views.js'
import { isLive, visibilityOf } from '../log/visibility.js'
import type { StoreContext } from '../session/context.js'
import { byActivity, type SessionInfo } from '../session/info.js'
import { searchIndexOf } from './search-index.js'

/** Larger logs are parsed block by block, without a scan of their raw bytes before. */
const RAW_BYTES = 32 * 1024 * 1024
/** More words than this are searched one by one. */
const MAX_PATTERNS = 20

/** @throws TypeError, RangeError for a limit that is no whole number from 0 */
export async function searchSessions(
  store: StoreInternals,
  words: string | null,
  limit: number,
): Promise<SessionInfo[]> {
  checkOptionalText('words', words)
  checkCount('limit', limit)
  if (limit === 0) return []
  if (words === null) return store.index.rows(limit)
  const wanted = wordsOf(words)
  if (wanted.length === 0) return []
  const began = performance.now()
  const { index, context } = store
  if (!context.settings.search.index) return bestOf(context, await index.sessions(), wanted, limit)
  const searchIndex = searchIndexOf(store)
  const sessions = await sessionsNamed(index, await searchIndex.candidates(wanted))
  const found = await bestOf(context, sessions, wanted, limit)
  searchIndex.answered(performance.now() - began)
  return found
}

/** Newest activity first. */
async function sessionsNamed(index: SessionIndex, names: Iterable<string>): Promise<Array<{ info: SessionInfo }>> {
  const known: Array<{ info: SessionInfo }> = []
  const unknown: string[] = []
  for (const name of names) {
    if (isLoopHeld(performance.now())) await breathe()
    const row = index.row(name)
    if (row === undefined) unknown.push(name)
    else known.push({ info: infoIn(row) })
  }
  return known.concat(await index.named(unknown)).sort((a, b) => byActivity(a.info, b.info))
}

/** The sessions with most of the words first, by a scan of each log. `sessions` come newest activity first. */
export async function bestOf(
  { layout }: StoreContext,
  sessions: ReadonlyArray<{ info: SessionInfo }>,
  wanted: string[],
  limit: number,
): Promise<SessionInfo[]> {
  const mayContain = rawScanFor(wanted)
  const buffer = Buffer.allocUnsafeSlow(SHARED_BYTES)
  const hits: Array<{ info: SessionInfo; count: number }> = []
  let full = 0
  for (const { info } of sessions) {
    if (isLoopHeld(performance.now())) await breathe()
    const reader = LogReader.open(layout.log(nameOf(info.key)))
    if (reader === undefined) continue
    try {
      // most logs end here, without an await
      if (isRuledOut(reader, mayContain, buffer)) continue
      const count = await countWords(reader, wanted, mayContain)
      if (count > 0) hits.push({ info, count })
      // no other session comes before these
      if (count === wanted.length && ++full === limit) break
    } finally {
      reader.close()
    }
  }
  hits.sort((a, b) => b.count - a.count || byActivity(a.info, b.info))
  return hits.slice(0, limit).map(({ info }) => info)
}

/**
 * The distinct words of a query, in lower case. A `"` at the start of a word opens a phrase up to the next `"`;
 * everywhere else it is a character like any other.
 */
export function wordsOf(query: string): string[] {
  const words = new Set<string>()
  let rest = query.trimStart()
  while (rest !== '') {
    const close = rest.startsWith('"') ? rest.indexOf('"', 1) : -1
    const word = close === -1 ? (/^\S+/u.exec(rest)?.[0] ?? rest) : rest.slice(1, close)
    if (word.trim() !== '') words.add(word.toLowerCase())
    rest = rest.slice(close === -1 ? word.length : close + 1).trimStart()
  }
  return [...words]
}

/** False when no text of a log can contain any of the words, by the raw bytes of the log. */
type RawScan = (bytes: Buffer) => boolean

/** Logs of up to this size are read into one buffer, one after the other: a buffer for each costs as much as to read it. */
const SHARED_BYTES = 256 * 1024

/** True for a small log that can contain none of the words. */
function isRuledOut({ fd, size }: LogReader, mayContain: RawScan, buffer: Buffer): boolean {
  return size <= SHARED_BYTES && !mayContain(buffer.subarray(0, readIntoSync(buffer.subarray(0, size), fd, 0)))
}

async function countWords(reader: LogReader, words: string[], mayContain: RawScan): Promise<number> {
  const isLarge = reader.size > SHARED_BYTES && reader.size <= RAW_BYTES
  if (isLarge && !mayContain(await read(reader.fd, 0, reader.size))) return 0
  return countIn(await reader.pieces(), words)
}

/** Text on disk as JSON writes it. A log in which it may be written in another way is parsed. */
function rawScanFor(words: string[]): RawScan {
  const spelled = words.map((word) => JSON.stringify(word).slice(1, -1))
  if (words.length > MAX_PATTERNS || !isAscii(Buffer.from(words.join('')))) {
    // the Greek sigma changes at the end of a word
    if (words.some((word) => /[σς]/u.test(word))) return () => true
    return (bytes) => hasEscapes(bytes, words) || includesAny(bytes.toString().toLowerCase(), spelled)
  }
  // the beginning of a long word is enough
  const parts = words.map((word) =>
    JSON.stringify(word.slice(0, 50))
      .slice(1, -1)
      .replace(/[^a-z0-9]/gi, '\\$&'),
  )
  const pattern = new RegExp(parts.join('|'), 'i')
  return (bytes) => hasEscapes(bytes, words) || hasOddLetters(bytes, words) || pattern.test(bytes.toString('latin1'))
}

function hasEscapes(bytes: Buffer, words: readonly string[]): boolean {
  return bytes.includes('\\u') || (words.some((word) => word.includes('/')) && bytes.includes('\\/'))
}

/** The two letters beyond ASCII whose lower case is in it: the Kelvin sign, and the I with a dot. */
function hasOddLetters(bytes: Buffer, words: readonly string[]): boolean {
  const hasLetter = (letter: string) => words.some((word) => word.includes(letter))
  return (hasLetter('k') && bytes.includes('\u212a')) || (hasLetter('i') && bytes.includes('\u0130'))
}

function includesAny(text: string, parts: readonly string[]): boolean {
  return parts.some((part) => text.includes(part))
}

function countIn(pieces: readonly Piece[], words: string[]): number {
  const visibility = visibilityOf(pieces)
  const open = new Set(words)
  for (const piece of pieces) {
    if (!isLine(piece) || !isChat(piece) || !isLive(piece, visibility)) continue
    for (const text of textsOf(piece)) {
      const lower = text.toLowerCase()
      for (const word of open) if (lower.includes(word)) open.delete(word)
    }
    if (open.size === 0) break
  }
  return words.length - open.size
}
