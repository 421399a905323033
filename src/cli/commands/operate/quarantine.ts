import { resolve } from 'node:path'
import { readSmall, removeFile } from '../../../disk/files.js'
import { isOwnName, nameOf } from '../../../disk/names.js'
import { quarantinedIn } from '../../../disk/quarantine.js'
import type { SessionStore } from '../../../index.js'
import { isLine } from '../../../log/line.js'
import { parseLines } from '../../../log/parse.js'
import { internalsOf } from '../../../store/store.js'
import { CommandFailure, EXIT, exitCodeOfAll } from '../../exit-code.js'
import { escapeBlock, escapeLine, jsonLine } from '../../terminal/escape.js'
import { ago, count, size } from '../../terminal/format.js'
import { complain, describe, note, paint, print, printBytes, terminalWidth } from '../../terminal/output.js'
import { type Column, table } from '../../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere, withExistingStore } from '../../with-store.js'

export interface QuarantineOptions extends GlobalOptions {
  json?: boolean
}

interface Listed {
  /** Names of its folder and of itself, as they are typed: `<folder>/<file>`. */
  id: string
  /** Null for a session that is not there any more and whose key its name does not tell. */
  key: string | null
  file: string
  bytes: number
  at: Date
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
  { title: 'PUT THERE' },
  { title: 'SIZE', right: true },
  { title: 'ID', whole: true },
]

export async function listQuarantine({ root, json }: QuarantineOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const files = isThere ? await readStore(root, allIn) : []
  if (json) await print(jsonLine({ root: resolve(root), files }))
  else if (files.length > 0) {
    const now = new Date()
    const rows = files.map(({ key, at, bytes, id }) => [
      escapeLine(key ?? '?'),
      ago(at, now),
      size(bytes),
      escapeLine(id),
    ])
    await print(await table(COLUMNS, rows, terminalWidth()))
  } else if (isThere) note('nothing is in quarantine')
  return EXIT.done
}

/** The bytes as they are; on a terminal without what could change it. */
export async function showQuarantined(given: string, { root }: GlobalOptions): Promise<number> {
  return readStore(root, async (store) => {
    const { file } = await findFile(store, given)
    const bytes = readSmall(file)?.bytes ?? Buffer.alloc(0)
    if (process.stdout.isTTY) await print(escapeBlock(bytes.toString()).replace(/\n$/, ''))
    else await printBytes(bytes)
    return EXIT.done
  })
}

/** Takes lines back into their log; what is still unreadable must be mended first. */
export async function restoreQuarantined(given: readonly string[], { root }: GlobalOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const done = { failed: 0, missing: 0 }
    for (const one of given) {
      try {
        await restoreOne(store, await findFile(store, one))
      } catch (error) {
        if (error instanceof CommandFailure && error.exitCode === EXIT.notFound) done.missing++
        else done.failed++
        complain(error instanceof CommandFailure ? error.message : `${escapeLine(one)}: ${describe(error)}`)
      }
    }
    return exitCodeOfAll(done)
  })
}

async function restoreOne(store: SessionStore, { id, key, file }: Listed): Promise<void> {
  const fails = (why: string) => new CommandFailure(`${escapeLine(id)}: ${why}`, EXIT.failed)
  if (key === null) throw fails('its session is not there, and its name does not tell the key')
  const pieces = parseLines(readSmall(file)?.bytes ?? Buffer.alloc(0)).filter(({ kind }) => kind !== 'blank')
  if (pieces.length === 0 || !pieces.every(isLine))
    throw fails(`not every line can be read: mend them in ${escapeLine(file)} and try again`)
  const { added, contradictions } = await store.session(key).merge(file)
  for (const line of contradictions) note(`id ${escapeLine(line)} has different content in the log, both are kept`)
  // all of it is in the log now
  removeFile(file)
  await print(
    `${escapeLine(key)}: ${added === 0 ? 'all of it is in the log already' : `${count(added, 'line')} came back`}`,
  )
}

async function findFile(store: SessionStore, given: string): Promise<Listed> {
  const files = await allIn(store)
  const found = files.filter(({ id }) => id === given || id.startsWith(given))
  const one = files.find(({ id }) => id === given) ?? (found.length === 1 ? found[0] : undefined)
  if (one !== undefined) return one
  throw found.length === 0
    ? new CommandFailure(`nothing in quarantine has the id ${escapeLine(given)}`, EXIT.notFound)
    : new CommandFailure(`${escapeLine(given)} is the beginning of ${found.length} ids`, EXIT.usage)
}

/** Newest first. */
async function allIn(store: SessionStore): Promise<Listed[]> {
  const keys = new Map((await store.keys()).map((key) => [nameOf(key), key]))
  const files = quarantinedIn(internalsOf(store).context.layout).flatMap(({ name, file, path, bytes, changed }) => {
    if (file.endsWith('.tmp')) return []
    const key = keys.get(name) ?? (isOwnName(name) ? name : null)
    return [{ id: `${name}/${file}`, key, file: path, bytes, at: new Date(changed) }]
  })
  return files.sort((a, b) => b.at.getTime() - a.at.getTime() || (a.id < b.id ? -1 : 1))
}
