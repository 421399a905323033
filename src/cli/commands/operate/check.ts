import { relative } from 'node:path'
import type { ForeignFile } from '../../../formats/index.js'
import {
  type Finding,
  isSessionError,
  openStore,
  type Remedy,
  type SessionStore,
  type StoreCheck,
} from '../../../index.js'
import { exitCodeOfAll } from '../../exit-code.js'
import { findKeys } from '../../find-key.js'
import { foreignNote } from '../../foreign.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { checkFolderThere } from '../../user-files.js'
import { type GlobalOptions, reportError } from '../../with-store.js'

export interface CheckOptions extends GlobalOptions {
  all?: boolean
  fix?: boolean
  dryRun?: boolean
  force?: boolean
  json?: boolean
}

/** What a remedy does, for "would" and "did". */
const DONE: Record<Remedy, string> = {
  rewrite: 'take it out of the log, into quarantine',
  quarantine: 'move it to quarantine',
  rebuild: 'move it to quarantine and make it again from the log',
  restrict: 'take it away from all but its owner',
  release: 'release what the dead process holds',
}

/** Only reads, unless it is to fix. */
export async function check(given: readonly string[], options: CheckOptions): Promise<number> {
  await checkFolderThere(options.root)
  const store = await openStore(options.root, { readOnly: true, onError: reportError })
  try {
    return await checkIn(store, given, options)
  } finally {
    await store.close()
  }
}

async function checkIn(store: SessionStore, given: readonly string[], options: CheckOptions): Promise<number> {
  const { keys, missing } = given.length === 0 ? { keys: null, missing: 0 } : await findKeys(store, given)
  const fix = options.fix === true && options.dryRun !== true
  const found = await showingWork(
    'reading the logs',
    store.check({ fix, force: options.force === true, ...(keys !== null && { keys }) }),
  )
  const checked = { ...found, foreign: await foreignOf(store, keys) }
  for (const { key, error } of checked.failed) complain(`${key === '' ? '' : `${escapeLine(key)}: `}${describe(error)}`)
  const mended = options.fix && !fix ? found.findings.filter(({ remedy }) => remedy !== null) : found.mended
  const left = fix ? checked.findings.filter((one) => !mended.includes(one)) : checked.findings
  if (options.json) await print(jsonLine(asJson({ ...checked, mended, dryRun: options.dryRun === true })))
  else await report(checked, mended, options)
  const busy = checked.failed.filter(({ error }) => isSessionError(error, 'ERR_LOCKED')).length
  const damaged = left.some(({ isDamage }) => isDamage) && busy === 0 ? 1 : 0
  return exitCodeOfAll({ failed: damaged + checked.failed.length - busy, missing, busy })
}

type Checked = StoreCheck & { foreign: ForeignFile[] }

/** Files of other tools: all in the folder, or those of the sessions that were named. */
async function foreignOf(store: SessionStore, keys: readonly string[] | null): Promise<ForeignFile[]> {
  const { foreignFiles } = await import('../../../formats/index.js')
  const found = await foreignFiles(store.dir)
  const wanted = keys?.map((key) => store.session(key).path)
  return wanted === undefined ? found : found.filter(({ file }) => wanted.includes(file))
}

function asJson({ sessions, messages, findings, failed, foreign, mended, dryRun }: Checked & { dryRun: boolean }) {
  const errors = failed.map(({ key, error }) => ({ key, error: describe(error) }))
  return {
    sessions,
    messages,
    findings,
    failed: errors,
    ...(foreign.length > 0 ? { foreign } : {}),
    [dryRun ? 'wouldMend' : 'mended']: mended.map(({ file }) => file),
  }
}

async function report(
  { sessions, messages, findings, foreign }: Checked,
  mended: Finding[],
  options: CheckOptions,
): Promise<void> {
  for (const finding of findings) {
    const line = described(finding)
    if (finding.isDamage) await print(line)
    else note(line)
    if (!options.fix) continue
    const { remedy } = finding
    if (remedy === null) note('  nothing is done about it: it needs a decision of yours')
    else if (mended.includes(finding)) note(`  ${options.dryRun ? 'would' : 'did'}: ${DONE[remedy]}`)
  }
  for (const { file, format, lines } of foreign) note(foreignNote(shownPath(file), format, lines))
  const unreadable = findings.filter(({ kind }) => kind === 'damaged-line' || kind === 'merge-marker').length
  const others = findings.filter(({ isDamage }) => isDamage).length - unreadable
  const damage = unreadable === 0 ? 'no damage' : count(unreadable, 'unreadable line')
  const more = others === 0 ? '' : `, ${count(others, 'other problem')}`
  await print(`${count(sessions, 'session')}, ${count(messages, 'message')}, ${damage}${more}`)
}

/** One line, in the form that editors can jump to. */
function described({ kind, file, line, offset, length, reason }: Finding): string {
  if (kind === 'conflict-copy') return `${shownPath(file)}: a conflict copy ${escapeLine(reason)}`
  const place = line === null ? shownPath(file) : `${shownPath(file)}:${line}`
  const bytes = offset === null || length === null ? '' : `offset ${offset}, ${count(length, 'byte')}: `
  return `${place}: ${bytes}${kind}: ${escapeLine(reason)}`
}

/** Relative to the working directory when it lies in there. */
function shownPath(file: string): string {
  const short = relative(process.cwd(), file)
  return escapeLine(short.startsWith('..') ? file : short)
}
