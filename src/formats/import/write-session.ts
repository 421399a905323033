/** Puts one converted session into the store: makes it, or adds what it lacks. */
import { createHash } from 'node:crypto'
import { notFound } from '../../base/errors.js'
import { digestId } from '../../base/ids.js'
import { type JsonObject, jsonEqual } from '../../base/json.js'
import { readSync } from '../../disk/files.js'
import { ImportSpool, removeSpool } from '../../disk/import-spool.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { Usage } from '../../log/line.js'
import { parseLines } from '../../log/parse.js'
import { redactedLabels } from '../../log/redact.js'
import { metaLine } from '../../log/serialize.js'
import { countersOf } from '../../log/usage.js'
import { addAtEnd, lastActivityIn, makeOf, mergeAll } from '../../session/change/take-lines.js'
import type { SessionLog } from '../../session/log/session-log.js'
import { redactedLines } from '../../session/redaction.js'
import type { Draft } from '../shared/draft/draft.js'
import { type ImportMeta, metaFromJson, metaToJson } from './import-meta.js'
import { idsBehind, knownLinesIn, type Lacking, LackingLines } from './known-lines.js'

/** So many characters of a session wait in memory. */
const MAX_WAITING = 256 * 1024

export interface Written {
  action: 'created' | 'extended' | 'unchanged'
  /** Messages that came in. */
  added: number
  /** Messages that the source does not have any more. */
  kept: number
  /** Something was written, or would be. */
  isWritten: boolean
}

export class SessionWriter {
  readonly #log: SessionLog
  readonly #draft: Draft
  /** The state of the session when the reading began, if the reading continues from there. */
  readonly #base: ImportMeta | undefined
  #spool: ImportSpool | undefined
  #texts: string[] = []

  constructor(log: SessionLog, draft: Draft, base: ImportMeta | undefined) {
    this.#log = log
    this.#draft = draft
    this.#base = base
  }

  /** Takes what is ready from the draft; much of it goes to the disk. */
  collect(): void {
    if (this.#draft.waiting < MAX_WAITING) return
    this.#spool ??= new ImportSpool(this.#log.context.layout.imports)
    this.#spool.write(this.#redacted(this.#draft.take()))
  }

  #redacted(lines: string): string {
    const redaction = this.#log.redaction()
    return redaction === undefined ? lines : redactedLines(Buffer.from(lines), redaction).toString()
  }

  #redactedLabels(labels: JsonObject): JsonObject {
    const redaction = this.#log.redaction()
    return redaction === undefined ? labels : redactedLabels(labels, redaction)
  }

  /** Drops everything: the file must be read again. */
  drop(): void {
    if (this.#spool === undefined) return
    this.#spool.close()
    removeSpool(this.#spool.path)
    this.#spool = undefined
  }

  /** Writes the session, or finds out only what would be written. `meta` is undefined where nothing is to be kept of the import. */
  async commit(given: ImportMeta, { dryRun }: { dryRun: boolean }): Promise<Written> {
    const rest = this.#redacted(this.#draft.takeLast())
    const meta = { ...given, labels: this.#redactedLabels(given.labels) }
    if (this.#spool === undefined) this.#texts.push(rest)
    else this.#spool.write(rest)
    try {
      // of a small session it is found out without the lease that nothing is to be written
      const isSmall = this.#spool === undefined && this.#log.exists()
      const would = dryRun || isSmall ? await this.#commit(meta, true) : undefined
      if (would !== undefined && (dryRun || !would.isWritten)) return would
      return await this.#log.hold(() => this.#commit(meta, false))
    } finally {
      this.drop()
    }
  }

  async #commit(meta: ImportMeta, dryRun: boolean): Promise<Written> {
    const { messages } = this.#draft.totals
    if (!this.#log.exists()) {
      // what came before the lines that were read is gone with it
      if (this.#base !== undefined) throw notFound(this.#log.key)
      if (dryRun || (await this.#make(meta))) return { action: 'created', added: messages, kept: 0, isWritten: true }
    }
    return this.#extend(meta, dryRun)
  }

  /** False when there is a session already. */
  async #make(meta: ImportMeta): Promise<boolean> {
    const last = this.#metaLine(meta, this.#labelsToSet(undefined), rowsOf(meta.carried))
    const { settings } = this.#log.context
    if (this.#spool === undefined) return makeOf(this.#log, Buffer.from([...this.#texts, last].join('')))
    this.#spool.write(last)
    if (settings.fsync !== 'no') await this.#spool.sync()
    this.#spool.close()
    const { path } = this.#spool
    const isMade = await makeOf(this.#log, path)
    this.#spool = undefined
    // what was not moved is read again below
    if (!isMade) this.#file = path
    else removeSpool(path)
    return isMade
  }

  #file: string | undefined

  async #extend(meta: ImportMeta, dryRun: boolean): Promise<Written> {
    const former = this.#base ?? metaFromJson((await this.#log.current())?.summary.labels.import)
    const lacking = await this.#lacking()
    const at = meta.lastAt ?? this.#draft.context.fileTime
    const labels = this.#labelsToSet(former)
    const isFurther =
      former === undefined || meta.bytes !== former.bytes || meta.hash !== former.hash || meta.open !== former.open
    const carried = await this.#carriedToSet(meta, former)
    const isNews = lacking.lines.length > 0 || Object.keys(labels).length > 0 || carried !== undefined
    const { messages: added, kept } = lacking
    const keepsPlace = meta.resume !== undefined || former?.resume !== undefined
    if (!isNews && !(isFurther && keepsPlace)) return { action: 'unchanged', added: 0, kept, isWritten: false }
    if (!dryRun) await this.#write(lacking, at, this.#metaLine(meta, labels, carried ?? {}))
    return { action: lacking.lines.length === 0 ? 'unchanged' : 'extended', added, kept, isWritten: true }
  }

  async #write(lacking: Lacking, at: string, meta: string): Promise<void> {
    const bytes = Buffer.from([...lacking.lines, meta].join(''))
    const last = await this.#log.using(lastActivityIn)
    const from = lacking.from ?? at
    if (last === undefined || last === null || from >= last) return addAtEnd(this.#log, bytes)
    // something here is later: the lines go where their times put them, and their labels of the session come last
    if (lacking.lines.length > 0) await mergeAll(this.#log, Buffer.from(lacking.lines.join('')))
    return addAtEnd(this.#log, Buffer.from(meta))
  }

  /** Reads what was converted, line by line, against what the session holds. */
  async #lacking(): Promise<Lacking> {
    const { format } = this.#draft.context
    const at = this.#draft.lastAt ?? this.#draft.context.fileTime
    const base = this.#base
    const found = await this.#log.using(async (reader) => {
      if (base === undefined) return knownLinesIn(reader)
      const ids = idsBehind(reader, base.bytes, base.hash)
      return { ids, messages: new Map<string, never>(), removed: new Map<string, never>() }
    })
    const known = found ?? { ids: new Set(), messages: new Map(), removed: new Map() }
    const lines = new LackingLines(known, format)
    const isAgain = (id: string) => base !== undefined && known.ids.has(id)
    for await (const { piece, text } of this.#converted()) {
      if (!('id' in piece) || !isAgain(piece.id)) lines.add(piece, text)
    }
    return base === undefined ? lines.finish(this.#draft.left, at) : lines.withRemovals(at)
  }

  async *#converted() {
    for (const text of this.#texts) {
      const bytes = Buffer.from(text)
      for (const piece of parseLines(bytes)) yield { piece, text: bytes.toString('utf8', piece.offset, piece.end) }
    }
    const file = this.#file ?? this.#spool?.path
    const reader = file === undefined ? undefined : LogReader.open(file)
    if (reader === undefined) return
    try {
      for await (const pieces of reader.blocks()) {
        const start = pieces[0]?.offset ?? 0
        const bytes = readSync(reader.fd, start, (pieces.at(-1)?.end ?? start) - start)
        for (const piece of pieces)
          yield { piece, text: bytes.toString('utf8', piece.offset - start, piece.end - start) }
      }
    } finally {
      reader.close()
      if (this.#file !== undefined) removeSpool(this.#file)
    }
  }

  /** Labels that the source has otherwise than at the last import: what was set here since stays. */
  #labelsToSet(former: ImportMeta | undefined): JsonObject {
    const labels = this.#redactedLabels(this.#draft.labelSet())
    if (former === undefined) return labels
    const { metadata, ...plain } = labels
    const changed: JsonObject = {}
    for (const [name, value] of Object.entries(plain)) if (!jsonEqual(value, former.labels[name])) changed[name] = value
    const before = (former.labels.metadata ?? {}) as JsonObject
    const rows = Object.entries((metadata ?? {}) as JsonObject).filter(([key, value]) => value !== before[key])
    if (rows.length > 0) changed.metadata = Object.fromEntries(rows)
    return changed
  }

  /**
   * Usage without a message, beside what rewrites of this log carry; undefined where the source has none that is new.
   */
  async #carriedToSet(meta: ImportMeta, former: ImportMeta | undefined): Promise<JsonObject | undefined> {
    const before = former?.carried ?? {}
    if (jsonEqual(rowsOf(meta.carried), rowsOf(before))) return undefined
    const sums = new Map((await this.#log.current())?.summary.carriedUsage ?? [])
    for (const agent of new Set([...Object.keys(meta.carried), ...Object.keys(before)])) {
      const [now, then, counted] = [meta.carried[agent], before[agent], sums.get(agent)].map(
        (usage) => usage ?? countersOf({}),
      )
      const counters = Object.keys(now as Usage) as Array<keyof Usage>
      const sum = counters.map((name) => [
        name,
        Math.max(0, (counted as Usage)[name] + (now as Usage)[name] - (then as Usage)[name]),
      ])
      sums.set(agent, Object.fromEntries(sum))
    }
    return rowsOf(Object.fromEntries(sums))
  }

  #metaLine(meta: ImportMeta, labels: JsonObject, carried: JsonObject): string {
    const at = meta.lastAt ?? this.#draft.lastAt ?? this.#draft.context.fileTime
    // an export of a session that was imported says itself where it came from
    const set: JsonObject = { ...labels, import: labels.import ?? metaToJson(meta) }
    if (Object.keys(carried).length > 0) set.carriedUsage = carried
    const digest = createHash('sha256')
      .update(`${meta.format}\0${meta.sourceId}\0import\0${JSON.stringify(set)}`)
      .digest()
    return metaLine({ id: digestId(Date.parse(at), digest), at }, set)
  }
}

function rowsOf(carried: Record<string, Usage>): JsonObject {
  return Object.fromEntries(Object.entries(carried).map(([agent, usage]) => [agent, { ...usage }]))
}
