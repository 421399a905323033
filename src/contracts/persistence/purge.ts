/** Deleting archived messages for good. */
import { SessionError } from '../../base/errors.js'
import type { StoreInternals } from '../../list/store-internals.js'
import { realMessages } from '../../log/context.js'
import { bytesOf } from '../../log/fold.js'
import { knownId, reachOver } from '../../log/visibility.js'
import { rewriteLog } from '../../session/change/rewrite.js'
import type { SessionDetails } from '../../session/info.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { attempt } from '../../session/options.js'

type Archived = SessionDetails['archived']

/**
 * Rewrites every log that holds messages which were archived more than `age` ms ago (all of them when it is
 * negative), without these; returns how many. A log without any is not touched. A session that fails does not stop
 * the others; then the first failure is thrown, with the count in `details.deleted`.
 */
export async function purgeArchived({ context, index, log }: StoreInternals, age: number): Promise<number> {
  const isDue = dueAfter(context.clock.now(), age)
  let deleted = 0
  const sessions = await index.sessions()
  const failures = index.failures()
  for (const { info, details } of sessions) {
    if (details.archived.messages === 0 || !isDue(details.archived.oldest)) continue
    try {
      const session = log(info.key)
      // another program's compaction may have archived what waits for an answer
      const waiting = new Set((await session.current())?.summary.waiting.map(({ id }) => id))
      const result = await rewriteLog(session, {
        purges: (line, visibility, fileTime) => {
          const reach = reachOver(line, visibility)
          return reach !== undefined && isDue(reach.at ?? fileTime) && !waiting.has(knownId(line, visibility))
        },
      })
      deleted += result?.purged ?? 0
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw withCount(failures[0], deleted)
  return deleted
}

/** What `purgeArchived` would delete now, by session. Reads only logs of which it may be a part. */
export async function dueArchived({ context, index, log }: StoreInternals, age: number): Promise<Archived[]> {
  const isDue = dueAfter(context.clock.now(), age)
  const due: Archived[] = []
  for (const { info, details } of await index.sessions()) {
    if (details.archived.messages === 0 || !isDue(details.archived.oldest)) continue
    const found =
      age < 0 ? details.archived : await attempt(context.settings, info.key, () => dueIn(log(info.key), isDue))
    if (found !== undefined) due.push(found)
  }
  return due.filter(({ messages }) => messages > 0)
}

async function dueIn(log: SessionLog, isDue: (at: string) => boolean): Promise<Archived> {
  const due: Archived = { messages: 0, bytes: 0, oldest: null }
  const whole = await log.whole()
  if (whole === undefined) return due
  for (const line of realMessages(whole.pieces, whole.visibility)) {
    const reach = reachOver(line, whole.visibility)
    const at = reach && (reach.at ?? whole.fileTime)
    if (at === undefined || !isDue(at)) continue
    due.messages++
    due.bytes += bytesOf(line.value)
    if (due.oldest === null || at < due.oldest) due.oldest = at
  }
  return due
}

/** True for times more than `age` ms ago; when it is negative, for all. */
function dueAfter(now: number, age: number): (at: string | null | undefined) => boolean {
  return (at) => age < 0 || (typeof at === 'string' && now - Date.parse(at) > age)
}

function withCount(failure: unknown, deleted: number): unknown {
  if (failure instanceof SessionError) {
    return new SessionError(failure.code, failure.message, { ...failure.details, deleted }, failure)
  }
  return Object.assign(failure as Error, { details: { deleted } })
}
