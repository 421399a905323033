/** Taking a text out of what a store holds: logs, quarantine, trash and index. */
import { checkNames, checkSignal } from '../base/arguments.js'
import type { Json } from '../base/json.js'
import { BlobDir } from '../disk/blob-dir.js'
import { removeFile } from '../disk/files.js'
import { removeValues } from '../disk/list-cache-file.js'
import { nameOf } from '../disk/names.js'
import { quarantinedIn } from '../disk/quarantine.js'
import { redactedFile } from '../disk/redacted-file.js'
import { listTrash, logInTrash, sidecarInTrash } from '../disk/trash.js'
import type { StoreInternals } from '../list/store-internals.js'
import { redactedLine } from '../log/redact.js'
import { type RedactedLog, type Replacing, redactLog } from '../session/change/redact-log.js'

export interface RedactOptions {
  /** What is replaced, wherever it stands in a text. */
  pattern: RegExp
  /** The sessions; all unless given. What is in the trash belongs to the session that it was. */
  keys?: readonly string[]
  /** Only reports what would be changed. */
  dryRun?: boolean
  signal?: AbortSignal
}

export interface RedactResult {
  /** The sessions in which it stood, by key. */
  sessions: Array<RedactedLog & { key: string }>
  /** Files of the quarantine and logs in the trash that were changed. */
  quarantined: number
  trashed: number
  /** Blobs in which it stands: a blob is named by its content, and is not changed. */
  blobs: number
  failed: Array<{ key: string; error: unknown }>
}

const REPLACEMENT = '[redacted]'

/** @throws TypeError for wrong options; what `signal` was aborted with */
export async function redactStore(store: StoreInternals, options: RedactOptions): Promise<RedactResult> {
  const {
    pattern,
    keys,
    dryRun = false,
    signal,
  } = checkNames('redact', options, ['pattern', 'keys', 'dryRun', 'signal'])
  if (!(pattern instanceof RegExp)) throw new TypeError('pattern must be a RegExp')
  if (pattern.test('')) throw new TypeError('pattern must not match an empty text')
  checkSignal(signal)
  const { context } = store
  const replacing = replacingOf(pattern)
  const result: RedactResult = { sessions: [], quarantined: 0, trashed: 0, blobs: 0, failed: [] }
  const attempt = async (key: string, work: () => unknown) => {
    signal?.throwIfAborted()
    try {
      await work()
    } catch (error) {
      result.failed.push({ key, error })
    }
  }
  const wanted = keys ?? (await store.index.keys()).sort()
  for (const key of wanted) {
    const log = store.log(key)
    await attempt(key, async () => {
      const done = await redactLog(log, replacing, dryRun)
      if (done !== undefined && done.lines + done.left > 0) result.sessions.push({ key, ...done })
      if (done !== undefined && done.lines > 0 && !dryRun) await log.writeSidecar()
    })
    await attempt(key, () => {
      const blobs = new BlobDir(context.layout.blobs(log.name))
      for (const ref of blobs.list().refs) if (blobs.includes(ref, (text) => replacing.isIn(text))) result.blobs++
    })
  }
  // in quarantine and trash there may be files of either name of a key
  const names = keys && new Set(keys.flatMap((key) => [key, nameOf(key)]))
  const isWanted = (name: string) => names === undefined || names.has(name)
  const change = (file: string) => redactedFile(file, (line) => replacing.replaced(line), dryRun)
  for (const { name, path } of quarantinedIn(context.layout).filter(({ name }) => isWanted(name))) {
    await attempt(name, () => {
      if (change(path)) result.quarantined++
    })
  }
  for (const trashed of listTrash(context.layout).filter(({ name }) => isWanted(name))) {
    await attempt(trashed.name, () => {
      if (!change(logInTrash(trashed))) return
      result.trashed++
      // it repeats the labels, and is made again of the log
      if (!dryRun) removeFile(sidecarInTrash(trashed))
    })
  }
  if (!dryRun) await attempt('', () => removeValues(context.layout.list()))
  return result
}

function replacingOf(pattern: RegExp): Replacing {
  const all = new RegExp(pattern.source, [...new Set(`${pattern.flags}g`)].join('').replace('y', ''))
  const one = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
  const inText = (text: string) => text.replace(all, REPLACEMENT)
  return {
    isIn: (text) => one.test(text),
    replaced(text) {
      const now = redactedLine(text, (value) => replacedIn(value, inText))
      return now === text && !isJson(text) ? inText(text) : now
    },
  }
}

/** Lines that cannot be read are texts. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function replacedIn(value: Json, inText: (text: string) => string): Json {
  if (typeof value === 'string') return inText(value)
  if (Array.isArray(value)) return value.map((item) => replacedIn(item, inText))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replacedIn(one, inText)]))
}
