/** Deleting archived messages for good. */
import { SessionError } from './errors.js'
import { reachOver } from './log/survey.js'
import { rewriteLog } from './rewrite-log.js'
import type { StoreInternals } from './store.js'

/**
 * Rewrites every log that holds messages which were archived more than `age` ms ago (all of them when it is
 * negative), without these; answers how many. A log without any is not touched. A session that fails does not stop
 * the others; then the first failure is thrown, with the count in `details.deleted`.
 */
export async function purgeArchived({ context, index, log }: StoreInternals, age: number): Promise<number> {
  const now = context.clock.now()
  const isDue = (at: string | null | undefined) => age < 0 || (typeof at === 'string' && now - Date.parse(at) > age)
  let deleted = 0
  const failures: unknown[] = []
  for (const { info, details } of await index.sessions()) {
    if (details.archived.messages === 0 || !isDue(details.archived.oldest)) continue
    try {
      const result = await rewriteLog(log(info.key), ({ offset }, survey, fileTime) => {
        const reach = reachOver(offset, survey)
        return reach !== undefined && isDue(reach.at ?? fileTime)
      })
      deleted += result?.purged ?? 0
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw withCount(failures[0], deleted)
  return deleted
}

function withCount(failure: unknown, deleted: number): unknown {
  if (failure instanceof SessionError) {
    return new SessionError(failure.code, failure.message, { ...failure.details, deleted }, failure)
  }
  return Object.assign(failure as Error, { details: { deleted } })
}
