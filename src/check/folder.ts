/** What is wrong with a store's folder beside the sessions in it. Reads only. */
import path from 'node:path'
import { type Entry, entriesIn } from '../disk/inspect.js'
import { staleLocks } from '../disk/lock/sweep.js'
import {
  type Layout,
  nameOfBlobs,
  nameOfConflictCopy,
  nameOfLog,
  nameOfSidecar,
  nameOfTemporary,
} from '../disk/names.js'
import { livenessOf } from '../disk/process-identity.js'
import { unfinishedIn } from '../disk/quarantine.js'
import { markedNames, unfinishedMarkers } from '../disk/runs/markers.js'
import { readSidecar } from '../disk/sidecar-file.js'
import { type Finding, finding } from './finding.js'

export function checkFolder(layout: Layout): Finding[] {
  const entries = entriesIn(layout.root)
  return [
    ...entries.flatMap((entry) => findingsAt(entry, entries)),
    ...collisions(entries),
    ...openFiles(layout, entries),
    ...staleLocks(layout.locks, layout.waiting).map((file) =>
      left('stale lease', file, 'its process is gone', 'release'),
    ),
    ...staleMarkers(layout),
    ...entriesIn(layout.quarantines).flatMap(({ file }) =>
      unfinishedIn(file).map((one) => left('stray file', one, 'a copy that a crash cut off', 'set aside')),
    ),
  ]
}

/** Something that a crash left and that costs nothing. */
function left(kind: Finding['kind'], file: string, reason: string, remedy: Finding['remedy']): Finding {
  return finding({ kind, file, reason, remedy, isDamage: false })
}

function findingsAt({ name, file, kind }: Entry, entries: readonly Entry[]): Finding[] {
  const isThere = (log: string) => entries.some((entry) => nameOfLog(entry.name) === log)
  if (nameOfConflictCopy(name) !== undefined)
    return [
      finding({
        kind: 'conflict copy',
        file,
        reason: `of ${nameOfConflictCopy(name)}; jsonl-sessions merge FILE takes its lines in`,
      }),
    ]
  if (nameOfLog(name) !== undefined) {
    return kind === 'file'
      ? []
      : [finding({ kind: 'no file', file, reason: 'no regular file stands where a log should' })]
  }
  if (nameOfTemporary(name) !== undefined && kind === 'file')
    return [left('stray file', file, 'a temporary file that a crash left', 'set aside')]
  const sidecar = nameOfSidecar(name)
  if (sidecar !== undefined && !isThere(sidecar))
    return [left('sidecar without log', file, 'its session is gone', kind === 'file' ? 'set aside' : null)]
  if (sidecar !== undefined && kind !== 'file')
    return [finding({ kind: 'no file', file, reason: 'no regular file stands where a sidecar should' })]
  const blobs = nameOfBlobs(name)
  if (blobs !== undefined && !isThere(blobs))
    return [left('blobs without log', file, 'their session is gone', 'set aside')]
  if (name.endsWith('.jsonl') && !name.startsWith('.'))
    return [finding({ kind: 'no session', file, reason: 'no key has this name', isDamage: false })]
  return []
}

/** Names that are one file on a file system that does not tell capital letters or Unicode forms apart. */
function collisions(entries: readonly Entry[]): Finding[] {
  const first = new Map<string, string>()
  return entries.flatMap(({ name, file }) => {
    const folded = name.normalize('NFC').toLowerCase()
    const former = first.get(folded)
    if (former === undefined) first.set(folded, name)
    return former === undefined
      ? []
      : [finding({ kind: 'case collision', file, reason: `differs from ${former} by case only` })]
  })
}

/** Files of ours that others may look into. The folder itself is the user's. */
function openFiles(layout: Layout, entries: readonly Entry[]): Finding[] {
  const own = entries.filter(
    ({ name, file }) =>
      (nameOfLog(name) ?? nameOfSidecar(name) ?? nameOfBlobs(name)) !== undefined ||
      [layout.locks, layout.trash, layout.quarantines, layout.running, layout.index].includes(file),
  )
  const below = own.flatMap((entry) => (entry.kind === 'folder' && entry.file !== layout.locks ? deep(entry.file) : []))
  return [...own, ...below]
    .filter(({ isOpen }) => isOpen)
    .map(({ file }) => finding({ kind: 'open to others', file, reason: 'others may read it', remedy: 'make private' }))
}

function deep(folder: string): Entry[] {
  return entriesIn(folder).flatMap((entry) => [entry, ...(entry.kind === 'folder' ? deep(entry.file) : [])])
}

/** Markers of runs that are over or whose process is dead, and ones that were being written. */
function staleMarkers(layout: Layout): Finding[] {
  const stale = markedNames(layout).flatMap((name) => {
    const run = readSidecar(layout.sidecar(name))?.sidecar?.run
    const marker = layout.marker(name)
    if (run?.state !== 'running') return left('stale marker', marker, 'its session is not running', 'set aside')
    if (livenessOf(run.owner) !== 'dead') return []
    return left('stale marker', marker, 'the process of the turn is dead: see `recover`', null)
  })
  return [
    ...stale,
    ...unfinishedMarkers(layout).map(({ file }) =>
      left('stray file', file, 'a marker that a crash cut off', 'set aside'),
    ),
  ]
}

/** Under which name in quarantine something goes that was taken out. */
export function nameInQuarantine(file: string): string {
  const base = path.basename(file)
  const above = path.basename(path.dirname(file))
  return (
    nameOfLog(base) ??
    nameOfSidecar(base) ??
    nameOfTemporary(base) ??
    nameOfBlobs(base) ??
    nameOfBlobs(above) ??
    'store'
  )
}
