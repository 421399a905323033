/** The folder of OpenClaw: `sessions.json` names the sessions, whose files are pi's. */
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { objectOf, textOr } from '../shared/blocks.js'
import type { SourceFolder } from '../shared/job.js'

/** The key of each file in a folder with `sessions.json`, by file name; undefined for another folder. */
export function openclawKeys(folder: Pick<SourceFolder, 'read'>): Map<string, string> | undefined {
  const bytes = folder.read('sessions.json')
  if (bytes === undefined) return undefined
  let index: Json
  try {
    index = JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
  if (!isObject(index) || !Object.values(index).some(isEntry)) return undefined
  const keys = new Map<string, string>()
  for (const [key, entry] of Object.entries(index)) {
    const { sessionId, sessionFile } = objectOf(entry)
    if (typeof sessionId !== 'string') continue
    const file = textOr(sessionFile)?.split(/[/\\]/).at(-1) ?? `${sessionId}.jsonl`
    keys.set(file, key)
  }
  return keys
}

function isEntry(value: Json): value is JsonObject {
  return isObject(value) && typeof value.sessionId === 'string'
}

/** True for a session, and for one that was reset or deleted: they are sessions of their own. */
export function isOpenclawFile(name: string): boolean {
  return /\.jsonl(\.(reset|deleted)\.[^/]+)?$/.test(name) && !name.endsWith('.zst')
}
