/** The import of one source: a file or a folder. */
import { SessionError } from '../../base/errors.js'
import { OpenSource } from '../../disk/source-file.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { DocumentFormat, FolderFormat, Format, TextFormat } from '../shared/format.js'
import { type Counts, Job, noCounts } from '../shared/job.js'
import { MAX_FILE_BYTES } from '../shared/limits.js'
import { commit, keyed, type SourceOptions, type SourceReport } from './commit.js'
import { type ImportMeta, metaOf } from './import-meta.js'
import { UnitImport } from './import-units.js'
import { lineHash } from './read-units.js'
import type { SessionReport } from './report.js'
import { type Source, sourceFileOf, sourceFolderOf, zipOf } from './sources.js'

/** Imports one source at a time into one store. The last state of a file is cached, for callers that follow it. */
export class SourceImporter {
  readonly #store: StoreInternals
  readonly #options: SourceOptions
  readonly #metas = new Map<string, ImportMeta>()

  constructor(store: StoreInternals, options: SourceOptions) {
    this.#store = store
    this.#options = options
  }

  async import(source: Source, format: Format): Promise<SourceReport> {
    if (source.kind === 'folder') return this.#folder(source, format as FolderFormat)
    const file = OpenSource.open(source.path)
    if (file === undefined) throw Object.assign(new Error(`${source.path} is no file`), { code: 'ENOENT' })
    try {
      if (format.kind === 'units')
        return await new UnitImport(this.#store, file, source, format, this.#options, this.#metas).run()
      return await this.#document(source, file, format)
    } finally {
      file.close()
    }
  }

  async #folder(source: Source, format: FolderFormat): Promise<SourceReport> {
    const folder = sourceFolderOf(source.path)
    const job = new Job(format.name, { ...folder, stem: folder.name }, keyed(this.#options, source))
    const counts = format.convert(folder, job)
    return this.#write(source, format, job, counts, undefined)
  }

  async #document(
    source: Source,
    file: OpenSource,
    format: DocumentFormat | TextFormat | FolderFormat,
  ): Promise<SourceReport> {
    const about = sourceFileOf(file)
    const job = new Job(format.name, about, keyed(this.#options, source))
    if (format.kind === 'folder') {
      const zip = zipOf(file)
      if (zip === undefined)
        throw new SessionError('ERR_FORMAT_UNKNOWN', `${source.path} is no archive that can be read`, {
          path: source.path,
        })
      return this.#write(source, format, job, format.convert(zip, job), file)
    }
    if (file.size > MAX_FILE_BYTES) {
      throw new SessionError('ERR_TOO_LARGE', `${source.path} is larger than ${MAX_FILE_BYTES} bytes`, {
        path: source.path,
        limit: MAX_FILE_BYTES,
      })
    }
    const text = file
      .read(0, file.size)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
    const counts = format.kind === 'text' ? format.convert(text, job) : format.convert(JSON.parse(text), job)
    return this.#write(source, format, job, counts, file)
  }

  async #write(
    source: Source,
    format: Format,
    job: Job,
    counts: Counts,
    file: OpenSource | undefined,
  ): Promise<SourceReport> {
    const drafts = [...job.closed, ...job.open.values()]
    const read = {
      bytes: file?.size ?? 0,
      hash: file === undefined ? '' : lineHash(file, file.size),
      open: false,
      counts: noCounts(),
      bad: [],
      resume: undefined,
      others: [],
    }
    const sessions: SessionReport[] = []
    for (const draft of drafts)
      sessions.push(await commit(this.#store, draft, metaOf(draft, source.path, read), undefined, this.#options.dryRun))
    return {
      file: { path: source.shown, format: format.name, ...counts, bad: [], torn: 0 },
      sessions,
      warnings: job.warnings,
    }
  }
}
