/** Reading a file of units with its format's reader, from the start or behind what an earlier import read. */
import { createHash } from 'node:crypto'
import type { OpenSource } from '../../disk/source-file.js'
import { addUsage } from '../../log/usage.js'
import type { Draft } from '../shared/draft/draft.js'
import { NeedsPlan, type Planner, type UnitFormat, type UnitReader } from '../shared/format.js'
import {
  type ConvertOptions,
  type Counts,
  countVerdict,
  Job,
  noCounts,
  type SourceFile,
  type Verdict,
} from '../shared/job.js'
import type { BadLine, ImportMeta } from './import-meta.js'
import { elementsOf, linesOf } from './read.js'

/** Bytes of a line that its hash is made of, at most. */
const HASHED_BYTES = 64 * 1024
const LF = 0x0a

export interface Reading {
  job: Job
  reader: UnitReader
  counts: Counts
  bad: BadLine[]
  /** Bad lines of this reading alone, with their ends. */
  damage: Array<{ offset: number; end: number }>
  torn: number
  /** Offset up to which all was read. */
  end: number
  /** The reader has read a unit. */
  isFed: boolean
  /** The outcome of the last lines, for lines that will be read again. */
  recent: Outcome[]
  /** What the first of two readings found out. */
  planner?: Planner | undefined
}

type Outcome = { line: number; became: Verdict | 'blank' | 'torn' }

/** So many of the last lines can be taken out of the counters again. */
const MAX_RECENT = 2_000

/** What happens while a file is read. */
export interface Progress {
  /** Called after each block of units. */
  settle: (job: Job) => Promise<void>
  /** All is read again: discard what was made so far. */
  restart: () => void
}

export interface ReadOptions extends ConvertOptions {
  final: boolean
}

export function isArray(source: OpenSource): boolean {
  const begin = source
    .read(0, Math.min(source.size, 4096))
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  return begin.startsWith('[') && !/^\[.*\]\s*\n\s*\{/.test(begin)
}

/** Reads the whole file; twice, where its format needs a plan of all of it first. */
export async function readWhole(
  format: UnitFormat,
  source: OpenSource,
  about: SourceFile,
  options: ReadOptions,
  progress: Progress,
): Promise<Reading> {
  try {
    return await readOnce(format, source, about, options, progress, {})
  } catch (error) {
    if (!(error instanceof NeedsPlan)) throw error
    progress.restart()
  }
  const planner = format.planner?.(new Job(format.name, about, options), about)
  for await (const cuts of unitsOf(source)) for (const cut of cuts) if (cut.kind === 'unit') planner?.push(cut)
  const reading = await readOnce(format, source, about, options, progress, { plan: planner?.plan() ?? true })
  return { ...reading, planner }
}

/** Reads what leads to one end of a tree. */
export function readBranch(
  format: UnitFormat,
  source: OpenSource,
  about: SourceFile,
  options: ReadOptions,
  { leaf, plan }: { leaf: string; plan: unknown },
): Promise<Reading> {
  const progress = { settle: async () => {}, restart: () => {} }
  return readOnce(format, source, about, { ...options, branch: leaf, final: true }, progress, { plan })
}

/** Goes on behind what was read before; undefined where that cannot be. */
export async function readOn(
  format: UnitFormat,
  source: OpenSource,
  about: SourceFile,
  options: ReadOptions,
  progress: Progress,
  base: ImportMeta,
): Promise<Reading | undefined> {
  try {
    return await readOnce(format, source, about, options, progress, { base })
  } catch (error) {
    if (!(error instanceof NeedsPlan)) throw error
    progress.restart()
    return undefined
  }
}

function unitsOf(source: OpenSource, from: { offset: number; line: number } = { offset: 0, line: 0 }) {
  return from.offset === 0 && isArray(source) ? elementsOf(source) : linesOf(source, from.offset, from.line)
}

async function readOnce(
  format: UnitFormat,
  source: OpenSource,
  about: SourceFile,
  options: ReadOptions,
  { settle }: Progress,
  begin: { plan?: unknown; base?: ImportMeta },
): Promise<Reading> {
  const { base } = begin
  const job = new Job(format.name, about, options)
  const reader = format.reader(job, about, { plan: begin.plan, state: base?.resume?.state })
  if (base !== undefined) goOn(job, base)
  const from = base?.resume
  const reading: Reading = {
    job,
    reader,
    counts: { ...(base?.counts ?? noCounts()) },
    bad: [...(base?.bad ?? [])],
    damage: [],
    torn: 0,
    end: from?.offset ?? 0,
    isFed: false,
    recent: [],
  }
  for await (const cuts of unitsOf(source, from)) {
    for (const cut of cuts) {
      if (cut.kind === 'unit') reading.isFed = true
      const became = cut.kind === 'unit' ? reader.push(cut) : cut.kind === 'bad' ? { bad: cut.reason } : cut.kind
      if (cut.kind === 'torn') reading.torn++
      else reading.end = cut.end
      if (typeof became === 'object' && 'bad' in became) noteBad(reading, cut, became.bad)
      else count(reading.counts, became)
      reading.recent.push({ line: cut.line, became })
    }
    if (reading.recent.length > MAX_RECENT) reading.recent = reading.recent.slice(-MAX_RECENT)
    await settle(job)
  }
  reader.end(options.final)
  return reading
}

function noteBad(
  { counts, bad, damage }: Reading,
  place: { line: number; offset: number; end: number },
  reason: string,
): void {
  counts.lines++
  bad.push({ line: place.line, offset: place.offset, reason })
  damage.push({ offset: place.offset, end: place.end })
}

function count(counts: Counts, became: Outcome['became']): void {
  if (became === 'torn') return
  if (typeof became === 'string') countVerdict(counts, became)
  else if ('bad' in became) counts.lines++
  else for (const name of Object.keys(became) as Array<keyof Counts>) counts[name] += became[name]
}

/** The counters without the lines behind this one, which will be read again; undefined where these are too many. */
export function countsUpTo({ counts, recent }: Reading, line: number): Counts | undefined {
  if ((recent[0]?.line ?? 0) > line + 1) return undefined
  const behind = noCounts()
  for (const one of recent) if (one.line > line) count(behind, one.became)
  const left = { ...counts }
  for (const name of Object.keys(left) as Array<keyof Counts>) left[name] -= behind[name]
  return left
}

/** The session continues from the state of the last import. */
function goOn(job: Job, base: ImportMeta): void {
  const [draft] = job.open.values()
  draft?.goOn(
    base.lastAt,
    { ...base.totals, roles: { ...base.totals.roles }, usage: { ...base.totals.usage } },
    base.lastMessage,
  )
  if (draft === undefined) return
  restoreLabels(draft, base)
  for (const [agent, usage] of Object.entries(base.carried)) addUsage(draft.carried, agent, usage, 1)
}

function restoreLabels(draft: Draft, { labels }: ImportMeta): void {
  const { metadata, ...plain } = labels
  Object.assign(draft.labels, plain, draft.labels.name === undefined ? {} : { name: draft.labels.name })
  Object.assign(draft.labels.metadata, metadata)
}

/** The session that a file begins with, before any of it is written: its key, and the source's id of it. */
export async function firstSession(
  format: UnitFormat,
  source: OpenSource,
  about: SourceFile,
  options: ConvertOptions,
): Promise<{ key: string; sourceId: string } | undefined> {
  if (isArray(source)) return undefined
  const job = new Job(format.name, about, options)
  try {
    const reader = format.reader(job, about, {})
    for await (const cuts of linesOf(source)) {
      for (const cut of cuts) {
        if (job.closed.length > 0) return undefined
        const [draft] = job.open.values()
        if (draft !== undefined) return { key: draft.key, sourceId: draft.context.sourceId }
        if (cut.kind === 'unit') reader.push(cut)
      }
      break
    }
  } catch (error) {
    if (!(error instanceof NeedsPlan)) throw error
  }
  const [draft] = job.open.values()
  return draft === undefined || job.closed.length > 0 ? undefined : { key: draft.key, sourceId: draft.context.sourceId }
}

/** What the last line below an offset is known by. */
export function lineHash(source: OpenSource, end: number): string {
  const start = Math.max(0, end - HASHED_BYTES)
  const bytes = source.read(start, end - start)
  const last = bytes.length > 0 && bytes.at(-1) === LF ? bytes.length - 1 : bytes.length
  const feed = last === 0 ? -1 : bytes.lastIndexOf(LF, last - 1)
  return createHash('sha256')
    .update(bytes.subarray(feed + 1))
    .digest('hex')
    .slice(0, 32)
}
