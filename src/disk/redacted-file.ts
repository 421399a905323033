/** A file that no process appends to, such as one in quarantine or in the trash, with its lines changed. */
import path from 'node:path'
import { randomNonce } from '../base/ids.js'
import { replaceSmall } from './atomic-replace.js'
import { readSmall } from './files.js'

/** Replaces the file whole, synced, where a line changes; returns whether one does. Other bytes than UTF-8 stay what they are. */
export function redactedFile(file: string, change: (line: string) => string, dryRun: boolean): boolean {
  const bytes = readSmall(file)?.bytes
  if (bytes === undefined) return false
  const encoding = Buffer.from(bytes.toString('utf8')).equals(bytes) ? 'utf8' : 'latin1'
  const lines = bytes.toString(encoding).split('\n')
  const changed = Buffer.from(lines.map(change).join('\n'), encoding)
  if (changed.equals(bytes)) return false
  if (dryRun) return true
  // a sweep of the quarantine recognises this name
  const temporary = path.join(path.dirname(file), `.${randomNonce()}.tmp`)
  replaceSmall(file, changed, { temporary, isSynced: true })
  return true
}
