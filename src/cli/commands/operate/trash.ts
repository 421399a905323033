import { resolve } from 'node:path'
import type { SessionStore, TrashEntry } from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { exitCodeOf } from '../../signals.js'
import { canAsk, confirm } from '../../terminal/confirm.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { ago, count, size } from '../../terminal/format.js'
import { complain, describe, note, paint, print, terminalWidth } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { type Column, table } from '../../terminal/table.js'
import { type GlobalOptions, readStore, storeIsThere, withExistingStore } from '../../with-store.js'

export interface TrashOptions extends GlobalOptions {
  json?: boolean
}

export interface TrashPurgeOptions extends GlobalOptions {
  /** Milliseconds. */
  olderThan: number
  dryRun?: boolean
  yes?: boolean
}

const COLUMNS: readonly Column[] = [
  { title: 'KEY', whole: true, paint: (text) => paint('cyan', text) },
  { title: 'PUT THERE' },
  { title: 'SIZE', right: true },
  { title: 'ID', whole: true },
]

export async function listTrash({ root, json }: TrashOptions): Promise<number> {
  const isThere = await storeIsThere(root)
  const entries = isThere ? await readStore(root, (store) => store.trash()) : []
  if (json) await print(jsonLine({ root: resolve(root), entries }))
  else if (entries.length > 0) {
    const rows = entries.map(({ key, at, bytes, id }) => [escapeLine(key), ago(at, new Date()), size(bytes), id])
    await print(await table(COLUMNS, rows, terminalWidth()))
  } else if (isThere) note('the trash is empty')
  return 0
}

export async function restoreTrash(given: readonly string[], { root }: GlobalOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const done = { restored: 0, failed: 0, missing: 0 }
    for (const one of given) done[await restoreOne(store, one)]++
    return exitCodeOfAll(done)
  })
}

async function restoreOne(store: SessionStore, given: string): Promise<'restored' | 'failed' | 'missing'> {
  const entries = await store.trash()
  const entry = entries.find(({ id }) => id === given) ?? entries.find(({ key }) => key === given)
  if (entry === undefined) {
    complain(`nothing in the trash has the id or key ${escapeLine(given)}`)
    return 'missing'
  }
  try {
    await print(`restored ${escapeLine(await store.restore(entry.id))}`)
    return 'restored'
  } catch (error) {
    complain(`${escapeLine(entry.key)}: ${describe(error)}`)
    return 'failed'
  }
}

export async function purgeTrash({ root, olderThan, dryRun, yes }: TrashPurgeOptions): Promise<number> {
  if (!dryRun && !yes && !canAsk()) {
    complain('trash purge deletes for good: without a terminal to ask on it needs --yes')
    return 2
  }
  return withExistingStore(root, async (store) => {
    if (!yes) {
      const { purged } = await store.purgeTrash({ olderThan, dryRun: true })
      if (dryRun || purged.length === 0) return printEntries(purged, 'would be deleted')
      const answer = await confirm(`Delete ${sumOf(purged)} for good?`)
      if (answer === 'stop') return exitCodeOf('SIGINT')
      if (answer === 'no') return 0
    }
    const { purged, failed } = await showingWork('emptying the trash', store.purgeTrash({ olderThan }))
    await printEntries(purged, 'deleted')
    return failed.length > 0 ? 1 : 0
  })
}

async function printEntries(entries: readonly TrashEntry[], what: string): Promise<number> {
  for (const { key, id } of entries) await print(`${escapeLine(key)} ${id}`)
  note(`${sumOf(entries)} ${what}`)
  return 0
}

function sumOf(entries: readonly TrashEntry[]): string {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  return `${count(entries.length, 'session')} of the trash, ${size(bytes)}`
}
