/** Importing what stands at a path: a file, a folder that is one source, or a folder of many. */
import { SessionError } from '../../base/errors.js'
import { sweepSpools } from '../../disk/import-spool.js'
import { type AnyStore, internalsOf } from '../../store/store.js'
import type { Found } from '../detect.js'
import { FORMATS } from '../registry.js'
import type { Format } from '../shared/format.js'
import type { ConvertOptions } from '../shared/job.js'
import { SourceImporter } from './import-source.js'
import type { ImportReport } from './report.js'
import { formatsOf, type Source, sourcesAt } from './sources.js'

export interface ImportOptions extends ConvertOptions {
  /** Name of the format; without it, the content of the file decides. */
  format?: string | undefined
  /** Nothing is written: the report says what would be. */
  dryRun?: boolean | undefined
  /** The files will not grow any more: what waits for more is imported. Default: those untouched for 10 minutes. */
  final?: boolean | undefined
}

/** @throws SessionError ERR_FORMAT_UNKNOWN for a name that is no format's */
export function checkFormat(name: string | undefined): void {
  if (name === undefined || FORMATS.some((format) => format.name === name)) return
  throw new SessionError('ERR_FORMAT_UNKNOWN', `unknown format: ${name}`, { format: name })
}

/**
 * The format of a source: the wanted one in the shape that the file has, else the best match.
 * @throws SessionError ERR_FORMAT_UNKNOWN, ERR_FORMAT_AMBIGUOUS
 */
export function formatOf({ path, shown, kind, format: detected }: Source, wanted: string | undefined): Format {
  const found = formatsOf(path)
  const name = wanted ?? detected
  if (name !== undefined) {
    const named = FORMATS.filter((format) => format.name === name && (format.kind === 'folder') === (kind === 'folder'))
    const format = found.find((one) => one.format.name === name)?.format ?? named[0]
    if (format !== undefined) return format
    throw new SessionError('ERR_FORMAT_UNKNOWN', `${shown} is no ${kind} of the format ${name}`, { path, format: name })
  }
  const [best, second] = found
  if (best === undefined) throw unknownFormat(shown)
  if (second !== undefined && second.weight === best.weight) throw ambiguous(shown, best, second)
  return best.format
}

function unknownFormat(path: string): SessionError {
  return new SessionError('ERR_FORMAT_UNKNOWN', `${path}: of no format that can be imported`, { path })
}

function ambiguous(path: string, { format: a }: Found, { format: b }: Found): SessionError {
  return new SessionError('ERR_FORMAT_AMBIGUOUS', `${path}: could be ${a.name} or ${b.name}; name one of them`, {
    path,
    formats: [a.name, b.name],
  })
}

/**
 * Imports what stands at a path again and again: each `import` reads on where the one before ended, so that a log that
 * another tool is writing can be followed.
 * @throws SessionError ERR_FORMAT_UNKNOWN
 */
export class PathImporter {
  readonly #path: string
  readonly #options: ImportOptions
  readonly #importer: SourceImporter

  constructor(store: AnyStore, path: string, options: ImportOptions = {}) {
    checkFormat(options.format)
    this.#path = path
    this.#options = options
    const { format: _, dryRun = false, ...more } = options
    this.#importer = new SourceImporter(internalsOf(store), { ...more, dryRun })
    if (!dryRun) sweepSpools(internalsOf(store).context.layout.imports)
  }

  /** What was imported now. @throws as `importFile` */
  async import(): Promise<ImportReport> {
    const report: ImportReport = { files: [], sessions: [], warnings: [] }
    const sources = sourcesAt(this.#path, this.#options.format)
    const isAlone = sources.length === 1
    let unknown = 0
    for (const source of sources) {
      try {
        if (source.path.endsWith('.zst')) {
          report.warnings.push(`${source.shown}: packed with zstd, which this Node cannot read; unpack it first`)
          continue
        }
        const { file, sessions, warnings } = await this.#importer.import(source, formatOf(source, this.#options.format))
        report.files.push(file)
        for (const session of sessions) report.sessions.push(session)
        for (const warning of warnings) report.warnings.push(warning)
      } catch (error) {
        if (isAlone || !isOfFile(error)) throw error
        if (error instanceof SessionError && error.code === 'ERR_FORMAT_UNKNOWN') unknown++
        else report.warnings.push(`${source.shown}: ${(error as Error).message}`)
      }
    }
    if (unknown > 0) report.warnings.push(`${unknown} file${unknown === 1 ? '' : 's'} of no known format passed over`)
    return report
  }
}

/** What is wrong with one file does not stop the others. */
function isOfFile(error: unknown): boolean {
  if (error instanceof SyntaxError) return true
  const codes = [
    'ERR_FORMAT_UNKNOWN',
    'ERR_FORMAT_AMBIGUOUS',
    'ERR_TOO_LARGE',
    'ERR_AMBIGUOUS_DATES',
    'ERR_NOT_A_LOG',
    'EACCES',
    'EPERM',
    'ENOENT',
    'EIO',
  ]
  return codes.includes(`${(error as NodeJS.ErrnoException).code}`)
}
