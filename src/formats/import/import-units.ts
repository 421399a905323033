/** The import of a file of units: lines, or elements of an array; from the start, or behind what was read before. */
import { SessionError } from '../../base/errors.js'
import { nameIn } from '../../disk/given-names.js'
import { setAside } from '../../disk/quarantine.js'
import type { OpenSource } from '../../disk/source-file.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { Draft } from '../shared/draft/draft.js'
import type { UnitFormat } from '../shared/format.js'
import { type Job, noCounts } from '../shared/job.js'
import { commit, keyed, type SourceOptions, type SourceReport } from './commit.js'
import { type ImportMeta, MAX_BAD, metaFromJson, metaOf } from './import-meta.js'
import {
  countsUpTo,
  firstSession,
  lineHash,
  type Reading,
  type ReadOptions,
  readBranch,
  readOn,
  readWhole,
} from './read-units.js'
import { type SessionReport, sessionReport } from './report.js'
import { type Source, sourceFileOf } from './sources.js'
import { SessionWriter } from './write-session.js'

/** A file that was not changed for so long will not continue in the middle of a message, ms. */
const FINAL_MS = 10 * 60_000

/** A file of units: lines, or elements of an array. */
export class UnitImport {
  readonly #store: StoreInternals
  readonly #file: OpenSource
  readonly #source: Source
  readonly #format: UnitFormat
  readonly #options: ReadOptions & { dryRun: boolean }
  readonly #metas: Map<string, ImportMeta>
  readonly #writers = new Map<Draft, SessionWriter>()
  readonly #sessions: SessionReport[] = []
  readonly #warnings: string[] = []

  constructor(
    store: StoreInternals,
    file: OpenSource,
    source: Source,
    format: UnitFormat,
    options: SourceOptions,
    metas: Map<string, ImportMeta>,
  ) {
    this.#store = store
    this.#file = file
    this.#source = source
    this.#format = format
    const final = options.final ?? Date.now() - file.mtimeMs > FINAL_MS
    this.#options = { ...keyed(options, source), final }
    this.#metas = metas
  }

  async run(): Promise<SourceReport> {
    try {
      return await this.#run()
    } catch (error) {
      // a session that was deleted in that instant is made again from the whole file
      if (!(error instanceof SessionError) || error.code !== 'ERR_SESSION_NOT_FOUND') throw error
      this.#restart()
      this.#metas.clear()
      return await this.#run()
    } finally {
      for (const writer of this.#writers.values()) writer.drop()
    }
  }

  async #run(): Promise<SourceReport> {
    const about = sourceFileOf(this.#file)
    const first = await firstSession(this.#format, this.#file, about, this.#options)
    // what was left is known to a reading of the whole only
    const isWhole = first === undefined || this.#options.branches === 'all'
    const base = isWhole ? undefined : await this.#baseOf(first)
    if (base !== undefined && this.#isUnchanged(base)) return this.#unchanged(first?.key as string, base)
    const progress = { settle: (job: Job) => this.#settle(job, base), restart: () => this.#restart() }
    let isOn = base?.resume !== undefined
    let reading = isOn
      ? await readOn(this.#format, this.#file, about, this.#options, { ...progress }, base as ImportMeta)
      : undefined
    if (reading === undefined) {
      isOn = false
      const settle = (job: Job) => this.#settle(job, undefined)
      reading = await readWhole(this.#format, this.#file, about, this.#options, { ...progress, settle })
    }
    await this.#finish(reading, isOn ? base : undefined)
    const { counts, bad, torn, job } = reading
    const file = {
      path: this.#source.shown,
      format: this.#format.name,
      ...counts,
      lines: counts.lines + torn,
      bad,
      torn,
    }
    return { file, sessions: this.#sessions, warnings: [...this.#warnings, ...job.warnings] }
  }

  /** The state after the last import of this file, if the file still begins as it did then. */
  async #baseOf({ key, sourceId }: { key: string; sourceId: string }): Promise<ImportMeta | undefined> {
    const log = this.#store.log(key)
    if (!log.exists()) return undefined
    const meta = this.#metas.get(key) ?? metaFromJson((await log.current())?.summary.labels.import)
    if (meta === undefined || meta.format !== this.#format.name || meta.sourceId !== sourceId) return undefined
    if (meta.bytes <= this.#file.size && lineHash(this.#file, meta.bytes) === meta.hash) return meta
    this.#warnings.push(
      `${this.#source.shown}: not the file that was imported before, or rewritten since: all of it was read`,
    )
    return undefined
  }

  #isUnchanged({ bytes, open, resume }: ImportMeta): boolean {
    return (
      this.#file.size === bytes && (!open || !this.#options.final) && (resume === undefined || resume.offset === bytes)
    )
  }

  async #unchanged(key: string, base: ImportMeta): Promise<SourceReport> {
    const { counts, bad, totals, labels, others } = base
    const sessions = [sessionReport(key, 'unchanged', { added: 0, name: labels.name, totals })]
    for (const other of others) {
      const meta = metaFromJson((await this.#store.log(other).current())?.summary.labels.import)
      if (meta !== undefined)
        sessions.push(sessionReport(other, 'unchanged', { added: 0, name: meta.labels.name, totals: meta.totals }))
    }
    return {
      file: { path: this.#source.shown, format: this.#format.name, ...counts, bad, torn: 0 },
      sessions,
      warnings: this.#warnings,
    }
  }

  #restart(): void {
    for (const writer of this.#writers.values()) writer.drop()
    this.#writers.clear()
    this.#sessions.length = 0
  }

  #writerOf(draft: Draft, base: ImportMeta | undefined): SessionWriter {
    let writer = this.#writers.get(draft)
    if (writer === undefined) {
      writer = new SessionWriter(this.#store.log(draft.key), draft, base)
      this.#writers.set(draft, writer)
    }
    return writer
  }

  /** Puts aside what is ready: long sessions to the disk, complete ones into the store. */
  async #settle(job: Job, base: ImportMeta | undefined): Promise<void> {
    if (!this.#options.dryRun) for (const draft of job.open.values()) this.#writerOf(draft, base).collect()
    const closed = job.closed
    job.closed = []
    for (const draft of closed) await this.#commit(draft, this.#plainMeta(draft), undefined)
  }

  /** Of a session that is one of many in its file: how far the file was read says nothing of it. */
  #plainMeta(draft: Draft): ImportMeta {
    return metaOf(draft, this.#source.path, {
      bytes: 0,
      hash: '',
      open: false,
      counts: noCounts(),
      bad: [],
      resume: undefined,
      others: [],
    })
  }

  async #commit(draft: Draft, meta: ImportMeta, base: ImportMeta | undefined): Promise<void> {
    const { dryRun } = this.#options
    const writer = this.#writerOf(draft, base)
    this.#sessions.push(await commit(this.#store, draft, meta, base, dryRun, writer))
    this.#writers.delete(draft)
  }

  async #finish(reading: Reading, base: ImportMeta | undefined): Promise<void> {
    const { job, reader, counts, bad } = reading
    await this.#settle(job, base)
    const [main, ...subs] = job.open.values()
    if (!this.#options.dryRun && reading.damage.length > 0)
      await this.#setAside(main?.key ?? this.#sessions[0]?.key, reading)
    if (main === undefined) return
    const here = reading.isFed ? reader.resume?.() : base?.resume
    const point = bad.length > MAX_BAD ? undefined : here
    const upTo = point === undefined ? counts : countsUpTo(reading, point.line)
    const resume = upTo === undefined ? undefined : point
    const bytes = resume?.offset ?? reading.end
    const read = {
      bytes,
      hash: lineHash(this.#file, bytes),
      open: !this.#options.final,
      counts: upTo ?? counts,
      bad: bad.filter(({ offset }) => offset < bytes).slice(0, MAX_BAD),
      resume,
      others: subs.map(({ key }) => key),
    }
    const meta = metaOf(main, this.#source.path, read)
    await this.#commit(main, meta, base)
    if (!this.#options.dryRun) this.#metas.set(main.key, meta)
    for (const sub of subs) await this.#commit(sub, this.#plainMeta(sub), undefined)
    if (this.#options.branches === 'all') await this.#branches(reading)
  }

  /** Branches that were left, each as a fork. */
  async #branches({ planner }: Reading): Promise<void> {
    const about = sourceFileOf(this.#file)
    for (const branch of planner?.branches?.() ?? []) {
      const { job } = await readBranch(this.#format, this.#file, about, this.#options, branch)
      const [fork] = job.open.values()
      if (fork !== undefined) await this.#commit(fork, this.#plainMeta(fork), undefined)
    }
  }

  async #setAside(key: string | undefined, { damage }: Reading): Promise<void> {
    if (key === undefined) return
    const { layout } = this.#store.context
    await setAside(layout.quarantine(nameIn(layout, key)), this.#file.fd, damage)
  }
}
