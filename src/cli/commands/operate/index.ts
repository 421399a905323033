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
    if (!drop) return showingWork('making the index', store.makeIndex())
    return { sessions: 0, bytes: await store.dropIndex() }
  })
  if (json) await print(jsonLine(done))
  else if (drop) await print(`removed ${done.bytes} bytes`)
  else
    await print(
      done.sessions === 0 ? 'too few sessions: none is needed' : `${done.sessions} sessions, ${done.bytes} bytes`,
    )
  return 0
}
