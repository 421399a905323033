/** The quarantine: lists what lies there, and takes lines back into their logs. */

import { checkText, checkWait, type WaitOptions } from '../base/arguments.js'
import { SessionError } from '../base/errors.js'
import { readSmall, removeFile } from '../disk/files.js'
import { nameIn } from '../disk/given-names.js'
import { isKeyName } from '../disk/names.js'
import { quarantinedIn } from '../disk/quarantine.js'
import type { StoreInternals } from '../list/store-internals.js'
import { isLine } from '../log/line.js'
import { parseLines } from '../log/parse.js'
import { type MergeResult, mergeInto } from '../session/change/merge.js'

/** A file in quarantine. */
export interface QuarantineEntry {
  /** Names of its folder and of itself: `<folder>/<file>`. */
  id: string
  /** Null for a session that is not there any more and whose key its name does not contain. */
  key: string | null
  /** Absolute; the file has the bytes as they stood in the log. */
  path: string
  bytes: number
  /** When it was changed last. */
  at: Date
}

/** Newest first. */
export async function quarantineOf({ context, index }: StoreInternals): Promise<QuarantineEntry[]> {
  const keys = new Map((await index.keys()).map((key) => [nameIn(context.layout, key), key]))
  const entries = quarantinedIn(context.layout).flatMap(({ name, file, path, bytes, changed }) => {
    if (file.endsWith('.tmp')) return []
    const key = keys.get(name) ?? (isKeyName(name) ? name : null)
    return [{ id: `${name}/${file}`, key, path, bytes, at: new Date(changed) }]
  })
  return entries.sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? -1 : 1))
}

/** @throws SessionError ERR_SESSION_NOT_FOUND, ERR_NOT_A_LOG */
export async function takeBack(
  store: StoreInternals,
  id: string,
  options: WaitOptions | undefined,
): Promise<MergeResult & { key: string }> {
  checkText('id', id)
  const signal = checkWait('takeBack', options)
  const entry = (await quarantineOf(store)).find((one) => one.id === id)
  if (entry === undefined) throw notFound(id, `nothing in quarantine has the id ${JSON.stringify(id)}`)
  const { key, path } = entry
  if (key === null) throw notFound(id, 'its session is not there, and its name does not tell the key')
  const pieces = parseLines(readSmall(path)?.bytes ?? Buffer.alloc(0)).filter(({ kind }) => kind !== 'blank')
  if (pieces.length === 0 || !pieces.every(isLine)) {
    const message = `not every line can be read: mend them in ${path} and try again`
    throw new SessionError('ERR_NOT_A_LOG', message, { file: path })
  }
  const merged = await mergeInto(store.log(key), path, { signal })
  // all of it is in the log now
  removeFile(path)
  return { key, ...merged }
}

function notFound(id: string, message: string): SessionError {
  return new SessionError('ERR_SESSION_NOT_FOUND', message, { id })
}
