import { JsonlRuntimePersistence } from '../../../contracts/runtime-persistence/index.js'
import { findKey } from '../../find-key.js'
import { jsonLine } from '../../terminal/escape.js'
import { count, size } from '../../terminal/format.js'
import { paint, print, terminalWidth } from '../../terminal/output.js'
import { table } from '../../terminal/table.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

export interface BlobsOptions extends GlobalOptions {
  json?: boolean
}

/** What lies beside the log, and whether the head reaches it. */
export async function blobs(given: string, { root, json }: BlobsOptions): Promise<number> {
  return readExistingStore(root, async (store) => {
    const key = await findKey(store, given)
    const rows = (await new JsonlRuntimePersistence(store, key).blobs())
      .map(({ ref, bytes, isReached }) => ({ ref, bytes, needed: isReached }))
      .sort((a, b) => b.bytes - a.bytes || (a.ref < b.ref ? -1 : 1))
    if (json) {
      await print(jsonLine({ key, blobs: rows }))
      return 0
    }
    if (rows.length > 0) {
      const cells = rows.map((row) => [row.ref, size(row.bytes), row.needed ? 'the head' : 'nothing'])
      const columns = [
        { title: 'BLOB', paint: (text: string) => paint('cyan', text) },
        { title: 'SIZE', right: true },
      ]
      await print(await table([...columns, { title: 'NEEDED BY' }], cells, terminalWidth()))
    }
    const total = rows.reduce((sum, { bytes }) => sum + bytes, 0)
    await print(
      `${count(rows.length, 'blob')}, ${size(total)}; the head needs ${rows.filter(({ needed }) => needed).length}`,
    )
    return 0
  })
}
