import { relative } from 'node:path'
import { conflictCopiesIn } from '../../disk/conflict-copies.js'
import type { CheckReport, SessionStore } from '../../index.js'
import { escapeLine } from '../escape.js'
import { count } from '../format.js'
import { findKeys } from '../key.js'
import { type GlobalOptions, withExistingStore } from '../open.js'
import { complain, describe, note, print } from '../output.js'

/** Only reads; exit code 1 when a session is damaged or cannot be read at all. */
export async function check(given: readonly string[], { root }: GlobalOptions): Promise<number> {
  return withExistingStore(root, async (store) => {
    const { keys, missing } =
      given.length === 0 ? { keys: await store.keys(), missing: 0 } : await findKeys(store, given)
    const totals = { sessions: 0, messages: 0, damage: 0, failed: missing }
    for (const key of keys) await checkOne(store, key, totals)
    const copies = given.length === 0 ? conflictCopiesIn(store.dir) : []
    for (const { file, name } of copies) {
      await print(`${shownPath(file)}: a conflict copy of ${name}; jsonl-sessions merge FILE takes its lines in`)
    }
    const damage = totals.damage === 0 ? 'no damage' : count(totals.damage, 'unreadable line')
    await print(`${count(totals.sessions, 'session')}, ${count(totals.messages, 'message')}, ${damage}`)
    return totals.damage + totals.failed + copies.length > 0 ? 1 : 0
  })
}

interface Totals {
  sessions: number
  messages: number
  damage: number
  failed: number
}

async function checkOne(store: SessionStore, key: string, totals: Totals): Promise<void> {
  try {
    const report = await store.session(key).check()
    // Deleted since it was listed.
    if (report === null) return
    totals.sessions++
    totals.messages += report.messages
    totals.damage += report.damage.length
    if (report.graph !== null) totals.failed++
    for (const line of reportLines(report)) await print(line)
    for (const line of remarks(report)) note(line)
  } catch (error) {
    totals.failed++
    complain(`${escapeLine(key)}: ${describe(error)}`)
  }
}

/** One line per damaged line, in the form that editors can jump to. */
function reportLines({ file, damage }: CheckReport): string[] {
  return damage.map(
    ({ line, offset, length, reason }) =>
      `${shownPath(file)}:${line}: offset ${offset}, ${count(length, 'byte')}: ${escapeLine(reason)}`,
  )
}

/** What is worth knowing and no damage. */
function remarks({ file, torn, duplicates, contradictions, divergences, graph }: CheckReport): string[] {
  const lines: string[] = []
  if (torn) lines.push(`an unfinished last line, ${count(torn.length, 'byte')} at offset ${torn.offset}`)
  if (duplicates > 0) lines.push(`${count(duplicates, 'line')} twice with equal content`)
  for (const id of contradictions) lines.push(`id ${escapeLine(id)} twice with different content, both are kept`)
  for (const revision of divergences) lines.push(`revision ${revision} of the graph twice, by two merged histories`)
  if (graph !== null) lines.push(`the graph cannot be read: ${graph}`)
  return lines.map((line) => `${shownPath(file)}: ${line}`)
}

/** Relative to the working directory when it lies in there. */
function shownPath(file: string): string {
  const short = relative(process.cwd(), file)
  return escapeLine(short.startsWith('..') ? file : short)
}
