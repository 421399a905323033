import { JsonlRuntimePersistence } from '../../../contracts/runtime-persistence/index.js'
import type { SessionStore } from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { findKeys } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { count, size } from '../../terminal/format.js'
import { complain, describe, print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface GcOptions extends GlobalOptions {
  all?: boolean
  dryRun?: boolean
}

/** A session whose head is in doubt fails and keeps its blobs; the others go on. */
export async function gc(given: string | undefined, { root, all, dryRun = false }: GcOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const { keys, missing } =
      given === undefined ? { keys: await store.keys(), missing: 0 } : await findKeys(store, [given])
    const done = { failed: 0, missing, untouched: 0 }
    for (const key of keys) await collectOne(store, key, { done, dryRun, silent: all === true })
    if (all && done.untouched > 0) await print(`${count(done.untouched, 'session')}: nothing to delete`)
    return exitCodeOfAll(done)
  })
}

interface Run {
  done: { failed: number; untouched: number }
  dryRun: boolean
  /** Leaves out the sessions that have nothing to delete. */
  silent: boolean
}

async function collectOne(store: SessionStore, key: string, { done, dryRun, silent }: Run): Promise<void> {
  try {
    const graph = new JsonlRuntimePersistence(store, key)
    const unneeded = (await graph.blobs()).filter(({ isReached }) => !isReached)
    // also what writers left half written goes
    const deleted = dryRun ? unneeded.length : (await graph.gcUnreachable()).deletedBlobCount
    if (deleted > 0) {
      const what = `${count(deleted, 'blob')}, ${size(unneeded.reduce((sum, { bytes }) => sum + bytes, 0))}`
      await print(`${escapeLine(key)}: ${dryRun ? 'would delete' : 'deleted'} ${what}`)
    } else {
      done.untouched++
      if (!silent) await print(`${escapeLine(key)}: nothing to delete`)
    }
  } catch (error) {
    done.failed++
    complain(`${escapeLine(key)}: ${describe(error)}`)
  }
}
