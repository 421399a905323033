import { JsonlPersistence } from '../../../contracts/persistence/index.js'
import { exitCodeOf } from '../../signals.js'
import { canAsk, confirm } from '../../terminal/confirm.js'
import { count, size } from '../../terminal/format.js'
import { complain, describe, print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface PurgeOptions extends GlobalOptions {
  /** Since the archiving, ms; begun days count as whole ones. */
  olderThan: number
  dryRun?: boolean
  yes?: boolean
}

const NOTHING = 'nothing to purge'
const DAY_MS = 86_400_000

export async function purge({ root, olderThan: ms, dryRun, yes }: PurgeOptions): Promise<number> {
  const olderThan = Math.ceil(ms / DAY_MS)
  if (!dryRun && !yes && !canAsk()) {
    complain('purge deletes for good: without a terminal to ask on it needs --yes')
    return 2
  }
  return withExistingStore(root, async (store) => {
    const persistence = new JsonlPersistence(store)
    if (!dryRun && yes) return purgeNow(persistence, olderThan)
    const due = await dueText(persistence, olderThan)
    if (dryRun || due === null) {
      await print(due === null ? NOTHING : `would delete ${due}`)
      return 0
    }
    const answer = await confirm(`Delete ${due} for good?`)
    if (answer === 'stop') return exitCodeOf('SIGINT')
    return answer === 'yes' ? purgeNow(persistence, olderThan) : 0
  })
}

async function purgeNow(persistence: JsonlPersistence, olderThan: number): Promise<number> {
  try {
    await print(deleted(await persistence.purgeCompacted(olderThan)))
    return 0
  } catch (error) {
    // A session that fails does not stop the others.
    const done = (error as { details?: { deleted?: number } }).details?.deleted
    if (done !== undefined && done > 0) await print(deleted(done))
    complain(describe(error))
    return 1
  }
}

function deleted(messages: number): string {
  return messages === 0 ? NOTHING : `deleted ${count(messages, 'archived message')}`
}

/** What a purge would delete; null for nothing. */
async function dueText(persistence: JsonlPersistence, olderThan: number): Promise<string | null> {
  const { messageCount, sessionCount, sizeBytes } = await persistence.compactedStats(olderThan)
  if (messageCount === 0) return null
  return `${count(messageCount, 'archived message')} of ${count(sessionCount, 'session')}, ${size(sizeBytes)} of text`
}
