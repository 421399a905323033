import { resolve } from 'node:path'
import type { QuarantineEntry, SessionStore } from '../../../index.js'
import { CommandFailure, EXIT, exitCodeOfAll } from '../../exit-code.js'
import { escapeBlock, escapeLine, jsonLine } from '../../terminal/escape.js'
import { ago, count, size } from '../../terminal/format.js'
import { complain, describe, note, paint, print, printBytes, terminalWidth } from '../../terminal/output.js'
import { type Column, table } from '../../terminal/table.js'
import { readWhole } from '../../user-files.js'
import { type GlobalOptions, readStore, storeIsThere, withExistingStore } from '../../with-store.js'

export interface QuarantineOptions extends GlobalOptions {
  json?: boolean
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
  { title: 'PUT THERE' },
  { title: 'SIZE', right: true },
  { title: 'ID', whole: true },
]

export async function listQuarantine({ root, json }: QuarantineOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const files = isThere ? await readStore(root, (store) => store.quarantine()) : []
  if (json) {
    const shown = files.map(({ id, key, path: file, bytes, at }) => ({ id, key, file, bytes, at }))
    await print(jsonLine({ root: resolve(root), files: shown }))
  } else if (files.length > 0) {
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
    const bytes = await readWhole((await findEntry(store, given)).path)
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
      let id = one
      try {
        const entry = await findEntry(store, one)
        id = entry.id
        await restoreOne(store, entry)
      } catch (error) {
        if (error instanceof CommandFailure && error.exitCode === EXIT.notFound) done.missing++
        else done.failed++
        complain(error instanceof CommandFailure ? error.message : `${escapeLine(id)}: ${describe(error)}`)
      }
    }
    return exitCodeOfAll(done)
  })
}

async function restoreOne(store: SessionStore, { id }: QuarantineEntry): Promise<void> {
  const { key, added, contradictions } = await store.takeBack(id)
  for (const line of contradictions) note(`id ${escapeLine(line)} has different content in the log, both are kept`)
  await print(
    `${escapeLine(key)}: ${added === 0 ? 'all of it is in the log already' : `${count(added, 'line')} came back`}`,
  )
}

async function findEntry(store: SessionStore, given: string): Promise<QuarantineEntry> {
  const entries = await store.quarantine()
  const found = entries.filter(({ id }) => id.startsWith(given))
  const one = found.find(({ id }) => id === given) ?? (found.length === 1 ? found[0] : undefined)
  if (one !== undefined) return one
  throw found.length === 0
    ? new CommandFailure(`nothing in quarantine has the id ${escapeLine(given)}`, EXIT.notFound)
    : new CommandFailure(`${escapeLine(given)} is the beginning of ${found.length} ids`, EXIT.usage)
}
