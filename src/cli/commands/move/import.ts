import { setTimeout as sleep } from 'node:timers/promises'
import { formatNames, type ImportOptions, type ImportReport, PathImporter } from '../../../formats/index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { count } from '../../terminal/format.js'
import { complain, describe, note, print } from '../../terminal/output.js'
import { showingWork } from '../../terminal/progress.js'
import { type GlobalOptions, withStore } from '../../with-store.js'

export interface ImportCommandOptions
  extends GlobalOptions,
    Pick<
      ImportOptions,
      | 'format'
      | 'key'
      | 'dryRun'
      | 'branches'
      | 'records'
      | 'final'
      | 'raw'
      | 'assistant'
      | 'dates'
      | 'zone'
      | 'threads'
    > {
  json?: boolean
  follow?: boolean
}

const DONE = 0
const SOME_BAD = 1
const WRONG_USAGE = 2
/** How often followed files are checked, ms. */
const POLL_MS = 250
/** What the caller can put right by naming an option. */
const USAGE_CODES = new Set(['ERR_FORMAT_UNKNOWN', 'ERR_FORMAT_AMBIGUOUS', 'ERR_AMBIGUOUS_DATES'])

export async function listFormats({ json }: { json?: boolean }): Promise<number> {
  const formats = formatNames()
  if (json) await print(jsonLine({ formats }))
  else {
    const width = Math.max(...formats.map(({ name }) => name.length))
    await print(formats.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join('\n'))
  }
  return DONE
}

export async function importPaths(paths: readonly string[], options: ImportCommandOptions): Promise<number> {
  const { root, json, follow, ...rest } = options
  try {
    return await withStore(root, async (store) => {
      const importers = paths.map((path) => new PathImporter(store, path, rest))
      const shown = paths.length === 1 ? escapeLine(paths[0]!) : count(paths.length, 'path')
      const report = await showingWork(`importing ${shown}`, importAll(importers))
      await printReport(report, options)
      if (follow) await followAll(importers, options)
      return report.files.some(({ bad }) => bad.length > 0) ? SOME_BAD : DONE
    })
  } catch (error) {
    if (!USAGE_CODES.has(`${(error as NodeJS.ErrnoException).code}`)) throw error
    complain(describe(error))
    return WRONG_USAGE
  }
}

async function importAll(importers: readonly PathImporter[]): Promise<ImportReport> {
  const all: ImportReport = { files: [], sessions: [], warnings: [] }
  for (const importer of importers) {
    const report = await importer.import()
    for (const name of ['files', 'sessions', 'warnings'] as const)
      for (const one of report[name]) all[name].push(one as never)
  }
  return all
}

async function printReport(
  { files, sessions, warnings }: ImportReport,
  { json, dryRun }: ImportCommandOptions,
): Promise<void> {
  for (const { path, bad } of files)
    for (const { line, reason } of bad) note(`${escapeLine(path)}:${line}: ${escapeLine(reason)}`)
  for (const warning of warnings) note(escapeLine(warning))
  if (json) {
    await print(jsonLine({ files, sessions, warnings }))
    return
  }
  for (const { key, action, messages, added } of sessions) {
    const what = action === 'extended' ? `${count(added, 'message')} came in` : count(messages, 'message')
    await print(`${escapeLine(key)}: ${dryRun && action !== 'unchanged' ? `would be ${action}` : action}, ${what}`)
  }
  if (sessions.length === 0) note('no session was found')
}

/** Watches the files until the command is stopped; prints what was imported. */
async function followAll(importers: readonly PathImporter[], options: ImportCommandOptions): Promise<void> {
  const stop = new AbortController()
  const end = () => stop.abort()
  process.once('SIGINT', end).once('SIGTERM', end)
  try {
    while (!stop.signal.aborted) {
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) break
      const { sessions } = await importAll(importers)
      for (const session of sessions) {
        if (session.action === 'unchanged' || session.added === 0) continue
        const { key, added } = session
        await print(options.json ? jsonLine(session) : `${escapeLine(key)}: ${count(added, 'message')} came in`)
      }
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}
