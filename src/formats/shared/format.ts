/** What a format is: how its files are known, and how they become lines of ours. */
import type { Json, JsonObject } from '../../base/json.js'
import type { Counts, Job, SourceFile, SourceFolder, Verdict } from './job.js'
import type { Unit } from './unit.js'

/** The beginning of a file, from which each format decides whether the file is its own. */
export interface Sample {
  /** Name and folder names, in lower case; for ties only. */
  names: string
  /** The first 64 KiB as text. */
  text: string
  /** The file is a JSON array, one JSON object that spans lines, JSON lines, or something else. */
  shape: 'array' | 'object' | 'lines' | 'text'
  /** The first 20 objects: lines, or elements of the array; the fields of a single object as far as they were read. */
  objects: readonly JsonObject[]
  /** Names in the folder, for a folder. */
  entries: readonly string[]
}

export interface Match {
  /** 1: possible; 2: likely; 3: no other program writes this. */
  weight: 1 | 2 | 3
  why: string
}

/** Reads units one after another. */
export interface UnitReader {
  push(unit: Unit): Verdict
  /** The end of the units for now; with `final` what waits for more is closed. */
  end(final: boolean): void
  /** What a later reading needs to go on behind these units; undefined where it must start over. */
  resume?(): ResumePoint | undefined
}

/** Where a later reading continues, and the state that it needs. */
export interface ResumePoint {
  offset: number
  line: number
  state: JsonObject
}

/** What a first reading of all units finds out for the second one. */
export interface Planner {
  push(unit: Unit): void
  plan(): unknown
  /** Of a tree: what leads to each end that is not that of the conversation, by the source's id of that end. */
  branches?(): Array<{ leaf: string; plan: unknown }>
}

/** Units do not follow one another as the reader expects: all must be read before any can be written. */
export class NeedsPlan extends Error {}

interface Named {
  name: string
  title: string
  /** Words in the path that break a tie. */
  hints: readonly string[]
  sniff(sample: Sample): Match | undefined
}

/** JSON lines, or elements of a large JSON array. */
export interface UnitFormat extends Named {
  kind: 'units'
  reader(job: Job, file: SourceFile, begin: { plan?: unknown; state?: JsonObject | undefined }): UnitReader
  planner?(job: Job, file: SourceFile): Planner
}

/** One JSON value, or one text. The counters are those of the entries in it. */
export interface DocumentFormat extends Named {
  kind: 'document'
  convert(value: Json, job: Job): Counts
}

export interface TextFormat extends Named {
  kind: 'text'
  convert(text: string, job: Job): Counts
}

/** A folder that is one source. */
export interface FolderFormat extends Named {
  kind: 'folder'
  convert(folder: SourceFolder, job: Job): Counts
}

export type Format = UnitFormat | DocumentFormat | TextFormat | FolderFormat
