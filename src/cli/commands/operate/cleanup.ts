import { resolve } from 'node:path'
import type { CleanupOptions } from '../../../index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { note, print } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface CleanupCommandOptions extends GlobalOptions {
  ttl?: number
  maxSessions?: number
  maxBytes?: number
  downToBytes?: number
  minAge?: number
  keep?: string[]
  dryRun?: boolean
  json?: boolean
}

/** Exit code 1 when a session could not be moved; the store has reported why. */
export async function cleanup({ root, ttl, json, ...options }: CleanupCommandOptions): Promise<number> {
  const { maxSessions, maxBytes, downToBytes, minAge, keep, dryRun } = options
  const given = { olderThan: ttl, maxSessions, maxBytes, downToBytes, minAge, keep, dryRun }
  const rules = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as CleanupOptions
  return withExistingStore(root, async (store) => {
    const { removed, failed } = await showingWork('looking at the sessions', store.cleanup(rules))
    const keys = failed.map(({ key }) => key)
    if (json) await print(jsonLine({ root: resolve(root), dryRun: dryRun === true, removed, failed: keys }))
    else {
      for (const key of removed) await print(escapeLine(key))
      note(
        dryRun
          ? `${count(removed.length, 'session')} would go to the trash`
          : `${count(removed.length, 'session')} moved to the trash`,
      )
    }
    return failed.length > 0 ? 1 : 0
  })
}
