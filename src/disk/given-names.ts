/**
 * Which file is the log of a key. Every key has one name of ours (`nameOf`). Where a person or another tool has put
 * `Alice.jsonl` into the folder, that is the log of the key `Alice`. Nothing of it is kept in memory: such files come and
 * go while a store is open.
 */
import { logAmbiguous } from '../base/errors.js'
import { statFile } from './files.js'
import type { Layout } from './layout.js'
import { sameFile } from './log/file-mark.js'
import { isGivenName, nameOf } from './names.js'

/**
 * The name of the files of a key: by what is there for a key that can have two, the one of ours first. `known` is the name
 * that the key had before, which it keeps while the only log, or none, is there.
 */
export function nameIn(layout: Layout, key: string, known?: string): string {
  const isThere = (name: string) => statFile(layout.log(name)) !== undefined
  if (known !== undefined && (!isGivenName(key) || isThere(known))) return known
  const own = nameOf(key)
  if (own === key || !isGivenName(key) || isThere(own)) return own
  return isLog(layout, key) ? key : (known ?? own)
}

/** @throws SessionError ERR_LOG_AMBIGUOUS where a key with files of this name has a log of its other name as well */
export function checkOnlyLog(layout: Layout, key: string, name: string): void {
  if (!isGivenName(key)) return
  const other = name === key ? nameOf(key) : key
  const isThere = other === key ? isLog(layout, key) : statFile(layout.log(other)) !== undefined
  if (isThere) throw logAmbiguous(key, [layout.log(name), layout.log(other)])
}

/**
 * The name of a log as a list of the folder has it. On a drive that ignores case it is taken in lower case, whatever the
 * case of the file: no two keys share a file.
 */
export function nameOnDrive(layout: Layout, name: string): string {
  const lower = name.toLowerCase()
  if (lower === name) return name
  const [log, same] = [statFile(layout.log(name)), statFile(layout.log(lower))]
  return log !== undefined && log !== 'other' && same !== 'other' && sameFile(same, log) ? lower : name
}

/** A link or a folder is no log, and keeps no key from its own. */
function isLog(layout: Layout, name: string): boolean {
  const log = statFile(layout.log(name))
  return log !== undefined && log !== 'other' && nameOnDrive(layout, name) === name
}
