import { checkReadable, GraphLog } from '../../../graph/graph-log.js'
import { vacuumLog } from '../../../graph/vacuum.js'
import { internalsOf } from '../../../store/store.js'
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
    const session = new GraphLog(internalsOf(store).log(key))
    const nodes = dryRun ? await markedIn(session) : await vacuumLog(session)
    const what = nodes === 0 ? 'nothing to remove' : `${dryRun ? 'would remove' : 'removed'} ${count(nodes, 'node')}`
    await print(`${escapeLine(key)}: ${what}`)
    return 0
  })
}

async function markedIn(session: GraphLog): Promise<number> {
  const marked = await session.reading((_, graph) => {
    checkReadable(graph)
    return graph.tombstoned.size
  })
  return marked ?? 0
}
