/** The responses of the two searches: in one session, and in all of them. */

import { nameIn } from '../../disk/given-names.js'
import type { StoreInternals } from '../../list/store-internals.js'
import { findIn } from './find.js'
import { rowsOf } from './session-list.js'
import type { FindLine, SearchAnswer } from './shapes.js'

const MAX_HITS = 500
const MAX_SESSIONS = 50
const PROGRESS_BYTES = 32 * 1024 * 1024

export async function* findAnswers(
  path: string,
  key: string,
  text: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<FindLine> {
  let hits = 0
  let reported = from
  for await (const found of findIn(path, key, text, from)) {
    if (signal.aborted) return
    for (const hit of found.hits) {
      yield { hit }
      if (++hits === MAX_HITS) return yield { done: { hits, more: true } }
    }
    if (found.at - reported < PROGRESS_BYTES) continue
    reported = found.at
    yield { progress: { at: found.at, size: found.size } }
  }
  yield { done: { hits, more: false } }
}

/** The sessions that `store.search` finds, each with the message that holds most of the words. */
export async function searchAnswer(store: StoreInternals, query: string, signal: AbortSignal): Promise<SearchAnswer> {
  const { searchSessions } = await import('../../search/search.js')
  const found = await searchSessions(store, query, { limit: MAX_SESSIONS, signal })
  const named = await store.index.named(found.map(({ key }) => nameIn(store.context.layout, key)))
  const rows = new Map(rowsOf(named).map((row) => [row.key, row]))
  const sessions = found.flatMap(({ key, match }) => {
    const session = rows.get(key)
    if (session === undefined) return []
    return [{ session, hit: match && { id: match.id, offset: match.offset, role: match.role, snippet: match.snippet } }]
  })
  return { sessions }
}
