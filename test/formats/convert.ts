/** Converts a file in memory, as an import does it piece by piece: the formats alone, without a store. */
import fs from 'node:fs'
import path from 'node:path'
import { matchesOf, SAMPLE_BYTES, samplesOf } from '../../src/formats/detect.js'
import { FORMATS } from '../../src/formats/registry.js'
import type { Draft } from '../../src/formats/shared/draft/draft.js'
import { type Format, NeedsPlan, type UnitFormat } from '../../src/formats/shared/format.js'
import {
  type ConvertOptions,
  type Counts,
  countVerdict,
  Job,
  noCounts,
  type SourceFile,
  type SourceFolder,
} from '../../src/formats/shared/job.js'
import { type Cut, cutLines, ElementCutter } from '../../src/formats/shared/unit.js'

export interface Converted {
  format: string
  counts: Counts
  bad: number[]
  torn: number
  drafts: Draft[]
  /** The lines of each session, by key. */
  logs: Map<string, string>
  warnings: string[]
}

export function convert(file: string, options: ConvertOptions = {}, wanted?: string): Converted {
  const stat = fs.statSync(file)
  return stat.isDirectory() ? convertFolder(file, options) : convertBytes(fs.readFileSync(file), file, options, wanted)
}

function aboutFile(file: string, bytes: Buffer): SourceFile {
  const name = path.basename(file)
  return {
    path: file,
    name,
    stem: name.replace(/\.(jsonl|json|txt|md)$/, ''),
    folders: path.dirname(file).split(path.sep).reverse(),
    time: '2026-01-02T03:04:05.000Z',
    size: bytes.length,
    read: (offset, end) => bytes.subarray(offset, end),
  }
}

export function formatOf(bytes: Buffer, file: string, wanted?: string): Format {
  const found = matchesOf(samplesOf(bytes.subarray(0, SAMPLE_BYTES), bytes.length <= SAMPLE_BYTES, file))
  const format = wanted === undefined ? found[0]?.format : FORMATS.find(({ name }) => name === wanted)
  if (format === undefined) throw new Error(`unknown format: ${file}`)
  return format
}

export function convertBytes(bytes: Buffer, file: string, options: ConvertOptions = {}, wanted?: string): Converted {
  const format = formatOf(bytes, file, wanted)
  const about = aboutFile(file, bytes)
  if (format.kind === 'units') return convertUnits(format, bytes, about, options)
  const job = new Job(format.name, about, options)
  const counts =
    format.kind === 'document'
      ? format.convert(JSON.parse(bytes.toString().replace(/^\uFEFF/, '')), job)
      : format.kind === 'text'
        ? format.convert(bytes.toString(), job)
        : noCounts()
  return done(format, job, counts, [], 0)
}

function cutsIn(bytes: Buffer): Cut[] {
  if (!bytes.toString('utf8', 0, 100).trimStart().startsWith('[')) return cutLines(bytes, 0, 1, true)
  const cutter = new ElementCutter()
  return [...cutter.push(bytes), ...cutter.end()]
}

function convertUnits(format: UnitFormat, bytes: Buffer, about: SourceFile, options: ConvertOptions): Converted {
  const cuts = cutsIn(bytes)
  const read = (plan?: unknown): Converted => {
    const job = new Job(format.name, about, options)
    const reader = format.reader(job, about, { plan })
    const counts = noCounts()
    const bad: number[] = []
    let torn = 0
    for (const cut of cuts) {
      if (cut.kind === 'blank') countVerdict(counts, 'blank')
      else if (cut.kind === 'torn') torn++
      else if (cut.kind === 'bad') bad.push(cut.line)
      else if (cut.kind === 'unit') {
        const verdict = reader.push(cut)
        if (typeof verdict === 'string') countVerdict(counts, verdict)
        else if ('bad' in verdict) bad.push(cut.line)
        else for (const name of Object.keys(counts) as Array<keyof Counts>) counts[name] += verdict[name]
      }
    }
    reader.end(true)
    counts.lines += bad.length + torn
    return done(format, job, counts, bad, torn)
  }
  try {
    return read()
  } catch (error) {
    if (!(error instanceof NeedsPlan)) throw error
    const planner = format.planner?.(new Job(format.name, about, options), about)
    for (const cut of cuts) if (cut.kind === 'unit') planner?.push(cut)
    return read(planner?.plan() ?? true)
  }
}

function convertFolder(folder: string, options: ConvertOptions): Converted {
  const names = (at: string) =>
    fs.existsSync(path.join(folder, at))
      ? fs
          .readdirSync(path.join(folder, at), { withFileTypes: true })
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
          .sort()
      : []
  const sample = { names: folder, text: '', shape: 'text' as const, objects: [], entries: names('') }
  const format = matchesOf([sample])[0]?.format
  if (format?.kind !== 'folder') throw new Error(`unknown format: ${folder}`)
  const source: SourceFolder = {
    path: folder,
    name: path.basename(folder),
    folders: [],
    time: '2026-01-02T03:04:05.000Z',
    list: names,
    read: (file) => (fs.existsSync(path.join(folder, file)) ? fs.readFileSync(path.join(folder, file)) : undefined),
  }
  const job = new Job(format.name, { ...source, stem: source.name }, options)
  return done(format, job, format.convert(source, job), [], 0)
}

function done(format: Format, job: Job, counts: Counts, bad: number[], torn: number): Converted {
  const drafts = [...job.closed, ...job.open.values()]
  const logs = new Map(drafts.map((draft) => [draft.key, draft.takeLast()]))
  return { format: format.name, counts, bad, torn, drafts, logs, warnings: job.warnings }
}
