/** The last user messages of all sessions of a store. */

import type { StoreInternals } from '../../list/store-internals.js'
import { hasText, realMessages, textOf } from '../../log/context.js'
import type { Line } from '../../log/line.js'
import { knownId } from '../../log/visibility.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { attempt } from '../../session/options.js'
import { liveBackwards } from '../../session/read/read-backwards.js'

interface Recent {
  text: string
  at: string
  id: string
}

/** The newest texts first. Sessions that have been quiet for longer than the oldest of them are not read. */
export async function recentUserTexts(store: StoreInternals, limit: number): Promise<string[]> {
  if (limit === 0) return []
  let newest: Recent[] = []
  for (const { key, lastActivity } of await store.index.rows()) {
    const oldest = newest[limit - 1]
    if (oldest !== undefined && lastActivity.toISOString() < oldest.at) break
    const found = (await attempt(store.context.settings, key, () => recentIn(store.log(key), limit))) ?? []
    newest = [...newest, ...found].sort(byRecency).slice(0, limit)
  }
  return newest.map(({ text }) => text)
}

/** Those of one session: from its end where times rise with the lines, else from all of it. */
async function recentIn(log: SessionLog, limit: number): Promise<Recent[]> {
  const last = await log.reading(async (reader, { summary }) => {
    if (summary.undated || summary.unsorted) return 'unclear'
    const found: Recent[] = []
    for await (const next of liveBackwards(reader, summary)) {
      if (next === 'unclear') return next
      if (isUserText(next.line)) found.push(toRecent(next.line, next.line.id, reader.fileTime))
      if (found.length === limit) break
    }
    return found
  })
  if (last !== 'unclear') return last ?? []
  const whole = await log.whole()
  if (whole === undefined) return []
  const { pieces, visibility, fileTime } = whole
  const lines = realMessages(pieces, visibility).filter(isUserText)
  const texts = lines.map((line) => toRecent(line, knownId(line, visibility), fileTime))
  return texts.sort(byRecency).slice(0, limit)
}

function isUserText(line: Line): boolean {
  return line.value.role === 'user' && hasText(line)
}

function toRecent({ value, at }: Line, id: string, fileTime: string): Recent {
  return { text: textOf(value.content) ?? '', at: at ?? fileTime, id }
}

/** Newest first, ties by greater id. */
function byRecency(a: Recent, b: Recent): number {
  if (a.at !== b.at) return a.at < b.at ? 1 : -1
  return a.id < b.id ? 1 : -1
}
