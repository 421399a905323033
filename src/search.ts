/** Which sessions speak of something. */
import { checkCount, checkOptionalText } from './arguments.js'
import { breatheIfDue } from './disk/breath.js'
import { read } from './disk/files.js'
import { LogReader } from './disk/log-reader.js'
import { nameOf } from './disk/names.js'
import { byActivity, type SessionInfo } from './info.js'
import { isLine, type Piece } from './log/line.js'
import { isChat } from './log/parse.js'
import { isLive, surveyOf } from './log/survey.js'
import { textsOf } from './log/views.js'
import type { StoreInternals } from './store.js'

/** Logs above this size are looked at block by block, without a look at their raw text before. */
const RAW_BYTES = 32 * 1024 * 1024

/** @throws TypeError, RangeError for a limit that is no whole number from 0 */
export async function searchSessions(
  { context, index }: StoreInternals,
  words: string | null,
  limit: number,
): Promise<SessionInfo[]> {
  checkOptionalText('words', words)
  checkCount('limit', limit)
  if (limit === 0) return []
  if (words === null) return index.rows(limit)
  const wanted = wordsOf(words)
  if (wanted.length === 0) return []
  const hits: Array<{ info: SessionInfo; count: number }> = []
  for (const info of await index.rows()) {
    const count = await countWords(context.layout.log(nameOf(info.key)), wanted)
    if (count > 0) hits.push({ info, count })
    await breatheIfDue()
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

/** How many of the words stand in the live messages of a log; 0 when there is no log. */
async function countWords(file: string, words: string[]): Promise<number> {
  const count = await LogReader.using(file, async (reader) => {
    if (reader.size <= RAW_BYTES) {
      const bytes = await read(reader.fd, 0, reader.size)
      if (!mayHold(bytes.toString().toLowerCase(), words)) return 0
    }
    return countIn(await reader.pieces(), words)
  })
  return count ?? 0
}

/** False when no text of the log, as it stands on disk, can hold any of the words. */
function mayHold(raw: string, words: string[]): boolean {
  // escapes, and the Greek sigma that changes at the end of a word, are looked at message by message
  if (raw.includes('\\u') || raw.includes('\\/')) return true
  return words.some((word) => /[σς]/u.test(word) || raw.includes(JSON.stringify(word).slice(1, -1)))
}

function countIn(pieces: readonly Piece[], words: string[]): number {
  const survey = surveyOf(pieces)
  const open = new Set(words)
  for (const piece of pieces) {
    if (!isLine(piece) || !isChat(piece) || !isLive(piece, survey)) continue
    for (const text of textsOf(piece)) {
      const lower = text.toLowerCase()
      for (const word of open) if (lower.includes(word)) open.delete(word)
    }
    if (open.size === 0) break
  }
  return words.length - open.size
}
