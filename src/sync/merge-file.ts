/** Taking another copy of a log into the session that its name says. */
import path from 'node:path'
import { checkNames, checkText, stillOpen, type WaitOptions } from '../base/arguments.js'
import { SessionError } from '../base/errors.js'
import { checkKey, isGivenName, isKeyName, nameOfConflictCopy, nameOfLog } from '../disk/names.js'
import { moveAside } from '../disk/quarantine.js'
import type { StoreInternals } from '../list/store-internals.js'
import { type MergeResult, mergeInto } from '../session/change/merge.js'
import type { SessionLog } from '../session/log/session-log.js'
import { keyInLog } from '../session/read/read.js'

export interface MergeFileOptions extends WaitOptions {
  /** The key of the session, where the name of the file does not say it. */
  into?: string
}

/** @throws SessionError ERR_SESSION_NOT_FOUND where neither name nor option says the session, and as `Session.merge` */
export async function mergeFile(
  store: StoreInternals,
  given: string,
  options: MergeFileOptions | undefined,
): Promise<MergeResult & { key: string }> {
  checkText('file', given)
  const { into, signal } = checkNames('merge', options, ['into', 'signal'])
  if (into !== undefined) checkKey(into)
  stillOpen(signal)
  const file = path.resolve(given)
  const key = into ?? (await keyOf(store, file))
  if (key === undefined) {
    const message = `the name of ${file} does not contain the session: name it with into`
    throw new SessionError('ERR_SESSION_NOT_FOUND', message, { id: file })
  }
  const log = store.log(key)
  if (file === log.file.path) throw new TypeError(`${file} is the log of the session itself`)
  const merged = await mergeInto(log, file, { signal })
  putAway(store, log, file)
  return { key, ...merged }
}

/** Copies in the store's folder have done their work; files from elsewhere are not ours to move. */
function putAway({ context }: StoreInternals, log: SessionLog, file: string): void {
  if (path.dirname(file) !== context.layout.root || nameOfLog(path.basename(file)) !== undefined) return
  moveAside(context.layout.quarantine(log.name), file)
}

async function keyOf({ context: { layout } }: StoreInternals, file: string): Promise<string | undefined> {
  const isElsewhere = path.dirname(file) !== layout.root
  // a file from elsewhere that another tool named may have any name
  const own = isElsewhere ? nameOfLog(path.basename(file)) : undefined
  const name = nameOfConflictCopy(path.basename(file)) ?? (own && !isGivenName(own) ? own : undefined)
  if (name === undefined || isKeyName(name)) return name
  return (await keyInLog(file, name)) ?? (await keyInLog(layout.log(name), name))
}
