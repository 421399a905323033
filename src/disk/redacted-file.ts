/** A file that no process appends to, such as one in quarantine or in the trash, with its lines changed. */
import fs from 'node:fs'
import path from 'node:path'
import { randomNonce } from '../base/ids.js'
import { createPrivate, readSmall, removeFile, writeAll } from './files.js'
import { syncFolderOf } from './folders.js'

/** Replaces the file whole, synced, where a line changes; returns whether one does. Other bytes than UTF-8 stay what they are. */
export function redactedFile(file: string, change: (line: string) => string, dryRun: boolean): boolean {
  const bytes = readSmall(file)?.bytes
  if (bytes === undefined) return false
  const encoding = Buffer.from(bytes.toString('utf8')).equals(bytes) ? 'utf8' : 'latin1'
  const lines = bytes.toString(encoding).split('\n')
  const changed = Buffer.from(lines.map(change).join('\n'), encoding)
  if (changed.equals(bytes)) return false
  if (dryRun) return true
  const temporary = path.join(path.dirname(file), `.${randomNonce()}.tmp`)
  const out = createPrivate(temporary)
  try {
    try {
      writeAll(out, changed)
      fs.fsyncSync(out)
    } finally {
      fs.closeSync(out)
    }
    fs.renameSync(temporary, file)
  } catch (error) {
    removeFile(temporary)
    throw error
  }
  syncFolderOf(file)
  return true
}
