/** Finds the sessions whose messages contain some words: candidates of the index are scanned, the newest first. */
import { checkCount, checkNames, checkOptionalText, checkSignal } from '../base/arguments.js'
import { errno, withPath } from '../base/errors.js'
import { isLoopHeld, withPauses, yieldToLoop } from '../base/event-loop.js'
import { read, readIntoSync } from '../disk/files.js'
import { nameIn } from '../disk/given-names.js'
import { untilNotStale } from '../disk/log/late-data.js'
import { LogReader } from '../disk/log/log-reader.js'
import type { SessionIndex } from '../list/session-index.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { ChatMessage } from '../log/line.js'
import type { StoreContext } from '../session/context.js'
import { byActivity, type SessionInfo } from '../session/info.js'
import { wholeOf } from '../session/log/catch-up.js'
import { type Found, findMatch, type SearchMatch, type TextReader, textReader } from './match.js'
import { type RawScan, rawScanFor } from './raw-scan.js'
import { searchIndexOf } from './search-index.js'
import { wordsOf } from './words.js'

/** Larger logs are parsed block by block, without a scan of their raw bytes before. */
const RAW_BYTES = 32 * 1024 * 1024

export interface SearchOptions<M = ChatMessage> {
  /** At most so many sessions. Default 50. */
  limit?: number
  /**
   * What is searched of a message: every text in it but its role and ids (`'all'`, the default), those in its content,
   * or what a function returns, for which every log is read.
   */
  texts?: 'all' | 'content' | ((message: M) => string | readonly string[])
  signal?: AbortSignal
}

/** A session in which something was found; `match` is null where no words were given. */
export interface SearchHit extends SessionInfo {
  match: SearchMatch | null
}

/** @throws TypeError, RangeError; what the signal was aborted with */
export async function searchSessions(
  store: StoreInternals,
  words: string | null,
  options: SearchOptions<never> | undefined,
): Promise<SearchHit[]> {
  checkOptionalText('words', words)
  const { limit = 50, texts = 'all', signal } = checkNames('search', options, ['limit', 'texts', 'signal'])
  checkCount('limit', limit)
  checkSignal(signal)
  const query: Query = { words: words === null ? [] : wordsOf(words), textsOf: textReader(texts), limit, signal }
  const { index, context } = store
  if (limit === 0) return []
  if (words === null) return (await index.rows({ limit })).map((info) => ({ ...info, match: null }))
  if (query.words.length === 0) return []
  const began = performance.now()
  const readsAll = typeof texts === 'function'
  if (readsAll || !context.settings.search.index) {
    const mayContain = readsAll ? () => true : rawScanFor(query.words)
    return bestOf(context, await index.sessions(), { ...query, mayContain })
  }
  const searchIndex = searchIndexOf(store)
  const sessions = await sessionsNamed(index, await searchIndex.candidates(query.words))
  const found = await bestOf(context, sessions, { ...query, mayContain: rawScanFor(query.words) })
  searchIndex.searched(performance.now() - began)
  return found
}

interface Query {
  words: string[]
  textsOf: TextReader
  limit: number
  signal: AbortSignal | undefined
}

interface Scan extends Query {
  mayContain: RawScan
}

/** Newest activity first. */
async function sessionsNamed(index: SessionIndex, names: Iterable<string>): Promise<Array<{ info: SessionInfo }>> {
  const known: Array<{ info: SessionInfo }> = []
  const unknown: string[] = []
  for (const name of names) {
    if (isLoopHeld(performance.now())) await yieldToLoop()
    const info = index.row(name)
    if (info === undefined) unknown.push(name)
    else known.push({ info })
  }
  return known.concat(await index.named(unknown)).sort((a, b) => byActivity(a.info, b.info))
}

/** The sessions with most of the words first, by a scan of each log. `sessions` come newest activity first. */
async function bestOf(
  { layout, settings, damage, isNetwork }: StoreContext,
  sessions: ReadonlyArray<{ info: SessionInfo }>,
  scan: Scan,
): Promise<SearchHit[]> {
  const buffer = Buffer.allocUnsafeSlow(SHARED_BYTES)
  const hits: Array<{ info: SessionInfo; found: Found }> = []
  let full = 0
  for (const { info } of sessions) {
    scan.signal?.throwIfAborted()
    if (isLoopHeld(performance.now())) await yieldToLoop()
    const file = layout.log(nameIn(layout, info.key))
    const look = () => lookInto(damage.watch(LogReader.open(file), info.key, file), scan, buffer)
    try {
      const looking = isNetwork ? untilNotStale(file, look) : look()
      // most logs end here, without an await
      const found = looking instanceof Promise ? await looking : looking
      if (found !== undefined) hits.push({ info, found })
      // no other session comes before these
      if (found?.count === scan.words.length && ++full === scan.limit) break
    } catch (error) {
      if (errno(error) === undefined) throw error
      settings.onError(withPath(error, file), info.key)
    }
  }
  hits.sort((a, b) => b.found.count - a.found.count || byActivity(a.info, b.info))
  return hits.slice(0, scan.limit).map(({ info, found: { match } }) => ({ ...info, match }))
}

/**
 * Logs of up to this size are read into one buffer, one after the other: a buffer for each costs as much as to read it.
 */
const SHARED_BYTES = 256 * 1024

/** What a log contains of the words, which is closed then: a promise only where its lines must be read. */
function lookInto(
  reader: LogReader | undefined,
  scan: Scan,
  buffer: Buffer,
): Found | undefined | Promise<Found | undefined> {
  let finding: Promise<Found | undefined> | undefined
  try {
    if (reader === undefined || isRuledOut(reader, scan.mayContain, buffer)) return undefined
    finding = findIn(reader, scan).finally(() => reader.close())
    return finding
  } finally {
    if (finding === undefined) reader?.close()
  }
}

/** True for a small log that can contain none of the words. */
function isRuledOut({ fd, size }: LogReader, mayContain: RawScan, buffer: Buffer): boolean {
  return size <= SHARED_BYTES && !mayContain(buffer.subarray(0, readIntoSync(buffer.subarray(0, size), fd, 0)))
}

async function findIn(reader: LogReader, scan: Scan): Promise<Found | undefined> {
  const isLarge = reader.size > SHARED_BYTES && reader.size <= RAW_BYTES
  if (isLarge && !scan.mayContain(await read(reader.fd, 0, reader.size))) return undefined
  return withPauses(findMatch(await wholeOf(reader), scan.words, scan.textsOf))
}
