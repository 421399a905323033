import { EXIT } from '../../exit-code.js'
import { findKey } from '../../find-key.js'
import { print } from '../../terminal/output.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

/** Prints the path of a session's log and nothing else, for other commands. */
export async function path(given: string, { root }: GlobalOptions): Promise<number> {
  return readExistingStore(root, async (store) => {
    await print(store.session(await findKey(store, given)).path)
    return EXIT.done
  })
}
