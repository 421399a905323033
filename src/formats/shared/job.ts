/** The conversion of one file: its sessions, its counters, its warnings. */
import { CompactCounter } from './compact-counter.js'
import { Draft } from './draft/draft.js'

/** The facts of the file that a converter gets. */
export interface SourceFile {
  /** Absolute path. */
  path: string
  /** The file's name, and the name without its ending. */
  name: string
  stem: string
  /** Names of the folders above, the nearest first. */
  folders: readonly string[]
  /** Modification time, ISO 8601. */
  time: string
  size: number
  /** Bytes of the file, for formats that compare them. */
  read: (offset: number, end: number) => Buffer
}

/** Files of a folder that is one source, by paths relative to it. */
export interface SourceFolder {
  path: string
  name: string
  folders: readonly string[]
  time: string
  /** Names in a folder below, sorted; folders end with a slash. None where there is no such folder. */
  list: (folder: string) => string[]
  /** The bytes of a file; undefined when there is none. */
  read: (file: string) => Buffer | undefined
}

export type DateOrder = 'dmy' | 'mdy' | 'ymd'

export interface ConvertOptions {
  /** The key of a session instead of its own one. */
  key?: string | ((key: string) => string) | undefined
  /** False: lines that are no message are only counted. */
  records?: boolean | undefined
  /** Each message keeps its source lines. */
  raw?: boolean | undefined
  branches?: 'active' | 'all' | undefined
  /** The end of the branch that is read: its messages make a session of their own, as a fork. */
  branch?: string | undefined
  /** Names or ids of senders that are the assistant. */
  assistant?: readonly string[] | undefined
  dates?: DateOrder | undefined
  /** IANA name of the zone of times that name none. */
  zone?: string | undefined
  /** Slack: a session a thread. */
  threads?: boolean | undefined
}

export class Job {
  /** Sessions that are still growing, by source id. */
  readonly open = new Map<string, Draft>()
  /** Sessions that are complete and wait to be written. */
  closed: Draft[] = []
  readonly warnings: string[] = []
  readonly #seen = new CompactCounter()
  #mainKey: string | undefined

  constructor(
    readonly format: string,
    readonly file: Pick<SourceFile, 'path' | 'name' | 'stem' | 'folders' | 'time'>,
    readonly options: ConvertOptions,
  ) {}

  /**
   * The session of a source id, made where there is none. `path` is what stands behind the format in its key, if not
   * the id; `key` the whole key.
   */
  session(sourceId: string, { path = sourceId, key }: { path?: string; key?: string } = {}): Draft {
    let draft = this.open.get(sourceId)
    if (draft === undefined) {
      const { branch } = this.options
      const trunk = key ?? `${this.format}/${path}`
      draft = new Draft({
        format: this.format,
        sourceId,
        key: this.#keyOf(branch === undefined ? trunk : `${trunk}/branch-${branch}`),
        fileTime: this.file.time,
        occurrence: (digest) => this.#occurrence(digest),
        keepsRecords: this.options.records !== false && branch === undefined,
        keepsRaw: this.options.raw === true,
      })
      if (branch !== undefined) {
        draft.isFork = true
        draft.setMetadata('parent', trunk)
      }
      this.open.set(sourceId, draft)
    }
    return draft
  }

  #keyOf(suggested: string): string {
    const own = wellFormed(suggested)
    const { key } = this.options
    if (typeof key === 'function') return key(own)
    if (key === undefined) return own
    if (this.#mainKey === undefined) {
      this.#mainKey = own
      return key
    }
    const isBelow = own.startsWith(`${this.#mainKey}/`)
    return `${key}/${isBelow ? own.slice(this.#mainKey.length + 1) : own.slice(own.indexOf('/') + 1)}`
  }

  /** The session is complete: nothing will be added to it. */
  close(draft: Draft): void {
    this.open.delete(draft.context.sourceId)
    this.closed.push(draft)
  }

  warn(text: string): void {
    this.warnings.push(text)
  }

  /** No unit to come has the bytes of one that came before. */
  forgetUnits(): void {
    this.#seen.clear()
  }

  #occurrence(digest: Buffer): number {
    return this.#seen.add(digest.readUIntBE(0, 6))
  }
}

/** A key without lone surrogates, which no key may have. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD')
}

/** What became of a unit; counters where it holds several entries. */
export type Verdict = 'used' | 'record' | 'duplicate' | 'offPath' | { bad: string } | Counts

/** Entries of a file, and what became of them: `lines` is the sum of the others. */
export interface Counts {
  lines: number
  blank: number
  used: number
  records: number
  duplicates: number
  offPath: number
}

export function noCounts(): Counts {
  return { lines: 0, blank: 0, used: 0, records: 0, duplicates: 0, offPath: 0 }
}

/** Adds one entry to the counters. */
export function countVerdict(counts: Counts, verdict: 'used' | 'record' | 'duplicate' | 'offPath' | 'blank'): void {
  counts.lines++
  if (verdict === 'record') counts.records++
  else if (verdict === 'duplicate') counts.duplicates++
  else counts[verdict]++
}
