import { resolve } from 'node:path'
import { type SearchHit, searchWords } from '../../../index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { ago } from '../../terminal/format.js'
import { highlight } from '../../terminal/highlight.js'
import { note, paint, print, terminalWidth } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { table } from '../../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere } from '../../with-store.js'

export interface SearchOptions extends GlobalOptions {
  json?: boolean
  limit?: number
}

export async function search(given: readonly string[], { root, json, limit }: SearchOptions): Promise<number> {
  const query = given.join(' ')
  const isThere = await storeIsThere(root)
  const hits = isThere
    ? await readStore(root, (store) =>
        showingWork('searching', store.search(query, limit === undefined ? {} : { limit })),
      )
    : []
  if (json) await print(jsonLine({ root: resolve(root), query, sessions: hits }))
  else if (hits.length > 0) await print(await hitTable(hits, searchWords(query)))
  else if (isThere) note('nothing found')
  return 0
}

function hitTable(hits: readonly SearchHit[], words: readonly string[]): Promise<string> {
  const now = new Date()
  const rows = hits.map(({ key, lastActivity, match }) => [
    escapeLine(key),
    ago(lastActivity, now),
    match ? escapeLine(`${match.role}: ${match.snippet}`) : '',
  ])
  return table(
    [
      { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
      { title: 'LAST ACTIVITY' },
      { title: 'MATCH', paint: (text) => highlight(text, words) },
    ],
    rows,
    terminalWidth(),
  )
}
