import { bytesIn, refuseLink, removeTree } from '../../../disk/folders.js'
import { searchIndexOf } from '../../../search/search-index.js'
import { internalsOf } from '../../../store/store.js'
import { jsonLine } from '../../terminal/escape.js'
import { print } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface IndexOptions extends GlobalOptions {
  drop?: boolean
  json?: boolean
}

export async function index({ root, drop, json }: IndexOptions): Promise<number> {
  const done = await withExistingStore(root, async (store) => {
    const internals = internalsOf(store)
    if (!drop) return showingWork('making the index', searchIndexOf(internals).makeAll())
    const folder = internals.context.layout.index
    refuseLink(folder)
    const bytes = bytesIn(folder)
    removeTree(folder)
    return { sessions: 0, bytes }
  })
  if (json) await print(jsonLine(done))
  else if (drop) await print(`removed ${done.bytes} bytes`)
  else
    await print(
      done.sessions === 0 ? 'too few sessions: none is needed' : `${done.sessions} sessions, ${done.bytes} bytes`,
    )
  return 0
}
