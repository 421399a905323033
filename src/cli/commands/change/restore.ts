import { resolve } from 'node:path'
import { findKey } from '../../find-key.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RestoreOptions extends GlobalOptions {
  json?: boolean
}

export async function restore(given: string, ids: readonly string[], { root, json }: RestoreOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const restored = await store.session(key).restore(ids)
    if (json) await print(jsonLine({ root: resolve(root), key, restored }))
    else await print(`${escapeLine(key)}: ${count(restored.length, 'message')} restored, at the end`)
    return 0
  })
}
