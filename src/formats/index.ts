/**
 * `jsonl-sessions/import-export`: conversations of other tools in, conversations of ours out.
 * @module formats/api
 */
import type { AnyStore } from '../store/store.js'
import { type ImportOptions, PathImporter } from './import/import-file.js'
import type { ImportReport } from './import/report.js'
import { formatsOf } from './import/sources.js'

export { type ImportOptions, PathImporter } from './import/import-file.js'
export type { BadLine } from './import/import-meta.js'
export type { FileReport, ImportReport, SessionReport } from './import/report.js'
export { formatNames } from './registry.js'
export type { DateOrder } from './shared/job.js'

/** Which formats a file or a folder may have, best first; none for an unknown one. */
export async function detect(path: string): Promise<Array<{ format: string; why: string }>> {
  return formatsOf(path).map(({ format, why }) => ({ format: format.name, why }))
}

/**
 * Imports a file, a folder that is one source (such as a Slack export), or all that a folder of many holds. A second
 * import writes what is new only. Foreign files are only read.
 * @throws SessionError ERR_FORMAT_UNKNOWN, ERR_FORMAT_AMBIGUOUS, ERR_AMBIGUOUS_DATES, and what a store throws
 */
export async function importFile(store: AnyStore, path: string, options: ImportOptions = {}): Promise<ImportReport> {
  return new PathImporter(store, path, options).import()
}

export { EXPORT_FORMATS, type ExportFormat, type ExportOptions, exportSession } from './export/export-session.js'
export type { BadLine as UnreadableLine } from './export/read-session.js'
export { type ForeignFile, foreignFiles, foreignFormat } from './foreign.js'
