import type { RedactResult } from '../../../index.js'
import { EXIT } from '../../exit-code.js'
import { findKeys } from '../../find-key.js'
import { escapeLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { isInGit } from '../../user-files.js'
import { type GlobalOptions, withExistingStore } from '../../with-store.js'

export interface RedactCommandOptions extends GlobalOptions {
  all?: boolean
  pattern: RegExp
  dryRun?: boolean
}

/** Replaces what matches in what is written, and tells what it cannot reach. */
export async function redact(given: readonly string[], options: RedactCommandOptions): Promise<number> {
  const { root, all, pattern, dryRun = false } = options
  return withExistingStore(root, async (store) => {
    const found = all ? undefined : await findKeys(store, given)
    if (found !== undefined && found.keys.length === 0) return EXIT.notFound
    const result = await showingWork(
      'reading the logs',
      store.redact({ pattern, dryRun, ...(found && { keys: found.keys }) }),
    )
    await tell(result, dryRun)
    const left = await tellLeft(result, root)
    for (const { key, error } of result.failed) complain(`${escapeLine(key)}: ${describe(error)}`)
    if (result.failed.length > 0 || left) return EXIT.failed
    return found !== undefined && found.missing > 0 ? EXIT.notFound : 0
  })
}

async function tell({ sessions, quarantined, trashed }: RedactResult, dryRun: boolean): Promise<void> {
  const would = dryRun ? 'would be changed' : 'changed'
  for (const { key, lines } of sessions)
    if (lines > 0) await print(`${escapeLine(key)}: ${count(lines, 'line')} ${would}`)
  if (quarantined > 0) await print(`quarantine: ${count(quarantined, 'file')} ${would}`)
  if (trashed > 0) await print(`trash: ${count(trashed, 'log')} ${would}`)
  if (sessions.every(({ lines }) => lines === 0) && quarantined + trashed === 0) await print('nothing to replace')
}

/** What still holds it; true where there is any within the store. */
async function tellLeft({ sessions, blobs }: RedactResult, root: string): Promise<boolean> {
  const left = sessions.filter((session) => session.left > 0)
  for (const session of left)
    complain(
      `${escapeLine(session.key)}: it stands in ${count(session.left, 'line')} where it is not replaced: in a key, an id, a reference, a name or a number`,
    )
  if (blobs > 0) complain(`it stands in ${count(blobs, 'blob')}: gc deletes those that no checkpoint needs`)
  if (isInGit(root)) note('the history of git still has what was committed; backups and exports have their own copies')
  return left.length > 0 || blobs > 0
}
