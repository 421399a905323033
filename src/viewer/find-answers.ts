/** The streams of the two searches: in one session, and in all of them. */

import { nameOf } from '../disk/names.js'
import type { StoreInternals } from '../list/store-internals.js'
import { findIn } from './find.js'
import { rowsOf } from './session-list.js'
import type { FindLine, SearchLine } from './shapes.js'

const MAX_HITS = 500
const MAX_SESSIONS = 50
/** The first hit of a session is looked for in so many bytes. */
const SNIPPET_BYTES = 64 * 1024 * 1024
const PROGRESS_BYTES = 32 * 1024 * 1024

export async function* findAnswers(
  path: string,
  key: string,
  text: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<FindLine> {
  let hits = 0
  let told = from
  for await (const found of findIn(path, key, text, from)) {
    if (signal.aborted) return
    for (const hit of found.hits) {
      yield { hit }
      if (++hits === MAX_HITS) return yield { done: { hits, more: true } }
    }
    if (found.at - told < PROGRESS_BYTES) continue
    told = found.at
    yield { progress: { at: found.at, size: found.size } }
  }
  yield { done: { hits, more: false } }
}

/** The sessions that `store.search` finds, each with its first message that holds one of the words. */
export async function* searchAnswers(
  store: StoreInternals,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<SearchLine> {
  const { searchSessions, wordsOf } = await import('../search/search.js')
  const words = wordsOf(query)
  const found = await searchSessions(store, query, MAX_SESSIONS)
  const rows = rowsOf(await store.index.named(found.map(({ key }) => nameOf(key))))
  for (const row of rows) {
    if (signal.aborted) return
    yield { session: row, hit: await firstHit(store, row.key, words) }
  }
  yield { done: { sessions: rows.length } }
}

async function firstHit({ context }: StoreInternals, key: string, words: readonly string[]) {
  for (const word of words) {
    try {
      for await (const { hits, at } of findIn(context.layout.log(nameOf(key)), key, word)) {
        const [hit] = hits
        if (hit !== undefined) return { offset: hit.offset, id: hit.id, snippet: hit.snippet }
        if (at > SNIPPET_BYTES) break
      }
    } catch {
      // removed since the search
      return null
    }
  }
  return null
}
