import { JsonlRuntimePersistence } from '../../../contracts/runtime-persistence/index.js'
import { findKey } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { print } from '../../terminal/output.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface VacuumOptions extends GlobalOptions {
  dryRun?: boolean
}

export async function vacuum(given: string, { root, dryRun }: VacuumOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const graph = new JsonlRuntimePersistence(store, key)
    const nodes = dryRun ? (await graph.inspect()).tombstonedNodeCount : (await graph.vacuum()).removedNodeCount
    const what = nodes === 0 ? 'nothing to remove' : `${dryRun ? 'would remove' : 'removed'} ${count(nodes, 'node')}`
    await print(`${escapeLine(key)}: ${what}`)
    return 0
  })
}
