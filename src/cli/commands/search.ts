import { resolve } from 'node:path'
import type { Session, SessionInfo, SessionStore } from '../../index.js'
import { escapeLine, jsonLine } from '../terminal/escape.js'
import { excerptOf, highlight, stringsIn, wordsOf } from '../terminal/excerpt.js'
import { ago } from '../terminal/format.js'
import { note, paint, print, terminalWidth } from '../terminal/output.js'
import { table } from '../terminal/table.js'
import { type GlobalOptions, storeIsThere, withStore } from '../with-store.js'

export interface SearchOptions extends GlobalOptions {
  json?: boolean
  limit?: number
}

interface Hit extends SessionInfo {
  /** Role and text of one matching message, around the match. */
  match: { role: string; excerpt: string } | null
}

export async function search(given: readonly string[], { root, json, limit }: SearchOptions): Promise<number> {
  const query = given.join(' ')
  const words = wordsOf(query)
  const find = (store: SessionStore) => hitsOf(store, { query, words, limit })
  const isThere = await storeIsThere(root)
  const hits = isThere ? await withStore(root, find) : []
  if (json) await print(jsonLine({ root: resolve(root), query, sessions: hits }))
  else if (hits.length > 0) await print(await hitTable(hits, words))
  else if (isThere) note('nothing found')
  return 0
}

interface Query {
  query: string
  words: readonly string[]
  limit: number | undefined
}

async function hitsOf(store: SessionStore, { query, words, limit }: Query): Promise<Hit[]> {
  const found = await store.search(query, limit === undefined ? {} : { limit })
  const hits: Hit[] = []
  for (const info of found) hits.push({ ...info, match: await matchIn(store.session(info.key), words) })
  return hits
}

/** The first message that holds one of the words; the log is read no further than that. */
async function matchIn(session: Session, words: readonly string[]): Promise<Hit['match']> {
  for await (const { role, content } of session.stream()) {
    for (const text of stringsIn(content)) {
      const excerpt = excerptOf(text, words)
      if (excerpt !== null) return { role, excerpt }
    }
  }
  return null
}

function hitTable(hits: readonly Hit[], words: readonly string[]): Promise<string> {
  const now = new Date()
  const rows = hits.map(({ key, lastActivity, match }) => [
    escapeLine(key),
    ago(lastActivity, now),
    match ? escapeLine(`${match.role}: ${match.excerpt}`) : '',
  ])
  return table(
    [
      { title: 'KEY', paint: (text) => paint('cyan', text) },
      { title: 'LAST ACTIVITY' },
      { title: 'MATCH', paint: (text) => highlight(text, words) },
    ],
    rows,
    terminalWidth(),
  )
}
