import { JsonlPersistence } from '../../contracts/persistence/index.js'
import { findKey } from '../find-key.js'
import { escapeLine } from '../terminal/escape.js'
import { count } from '../terminal/format.js'
import { print } from '../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../with-store.js'

export interface CompactSessionOptions extends GlobalOptions {
  summary: string
  keep: number
}

/** Puts a summary in the place of all but the last messages; these stay in the log as archived ones. */
export async function compactSession(given: string, { root, summary, keep }: CompactSessionOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    if (key === null) return 1
    const archived = await new JsonlPersistence(store).compactSession(key, summary, keep)
    await print(
      `${escapeLine(key)}: ${archived === 0 ? 'nothing to archive' : `${count(archived, 'message')} archived`}`,
    )
    return 0
  })
}
