import { isSessionError, type SessionStore } from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { checkThere } from '../../user-files.js'
import { type GlobalOptions, withStore } from '../../with-store.js'

export interface MergeOptions extends GlobalOptions {
  into?: string
}

export async function merge(files: readonly string[], { root, into }: MergeOptions): Promise<number> {
  return withStore(root, async (store) => {
    const done = { failed: 0, missing: 0 }
    for (const file of files) {
      try {
        await mergeOne(store, file, into)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') done.missing++
        else done.failed++
        const isUnknown = isSessionError(error, 'ERR_SESSION_NOT_FOUND')
        const why = isUnknown ? 'its name does not contain the session; name it with --into KEY' : describe(error)
        complain(`${escapeLine(file)}: ${why}`)
      }
    }
    return exitCodeOfAll(done)
  })
}

async function mergeOne(store: SessionStore, file: string, into: string | undefined): Promise<void> {
  await checkThere(file)
  const { key, added, contradictions } = await store.merge(file, into === undefined ? {} : { into })
  await print(`${escapeLine(key)}: ${added === 0 ? 'nothing new' : `${count(added, 'line')} came in`}`)
  for (const id of contradictions) note(`id ${escapeLine(id)} has different content in the copy, both are kept`)
}
