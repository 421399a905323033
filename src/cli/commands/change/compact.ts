import { JsonlPersistence } from '../../../contracts/persistence/index.js'
import { SessionError, type SessionStore } from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { findKey, findKeys } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { count, size } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { showingProgress } from '../../terminal/progress.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RewriteOptions extends GlobalOptions {
  all?: boolean
  force?: boolean
}

export async function rewrite(given: readonly string[], { root, all, force = false }: RewriteOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const { keys, missing } = all ? { keys: await store.keys(), missing: 0 } : await findKeys(store, given)
    const done = { failed: 0, untouched: 0 }
    for await (const key of showingProgress(keys, 'sessions'))
      await rewriteOne(store, key, { done, silent: all === true, force })
    if (all && done.untouched > 0) await print(`${count(done.untouched, 'session')}: nothing to do`)
    return exitCodeOfAll({ ...done, missing })
  })
}

interface Run {
  done: { failed: number; untouched: number }
  /** Leaves out the sessions that had nothing to drop. */
  silent: boolean
  /** Rewrites files without a line of a session too. */
  force: boolean
}

/** One that fails does not keep the others from being rewritten. */
async function rewriteOne(store: SessionStore, key: string, { done, silent, force }: Run): Promise<void> {
  try {
    const result = await store.session(key).rewrite({ force })
    if (result !== null) await print(`${escapeLine(key)}: ${outcome(result)}`)
    else {
      done.untouched++
      if (!silent) await print(`${escapeLine(key)}: nothing to do`)
    }
  } catch (error) {
    // with --all, a file of another tool is no failure
    if (silent && isForeignFile(error)) return note(describe(error))
    done.failed++
    complain(`${escapeLine(key)}: ${describe(error)}`)
  }
}

function isForeignFile(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_NOT_A_LOG'
}

function outcome({ dropped, quarantined }: { dropped: number; quarantined: number }): string {
  const aside =
    quarantined > 0 ? `, ${count(quarantined, 'unreadable range', 'unreadable ranges')} kept in .quarantine` : ''
  // Lines typed by hand get the id and the time that they lack, which can be more than what went.
  return `${dropped >= 0 ? `${size(dropped)} smaller` : `${size(-dropped)} larger, ids and times written out`}${aside}`
}

export interface CompactSessionOptions extends GlobalOptions {
  summary: string
  keep: number
}

/** Puts a summary in the place of all but the last messages; these stay in the log as archived ones. */
export async function compactSession(given: string, { root, summary, keep }: CompactSessionOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const archived = await new JsonlPersistence(store).compactSession(key, summary, keep)
    await print(
      `${escapeLine(key)}: ${archived === 0 ? 'nothing to archive' : `${count(archived, 'message')} archived`}`,
    )
    return 0
  })
}
