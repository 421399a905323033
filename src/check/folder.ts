/** Finds what is wrong with the folder of a store beside its sessions. Reads only. */
import path from 'node:path'
import { isShared } from '../disk/folders.js'
import { type Entry, entriesIn } from '../disk/inspect.js'
import type { Layout } from '../disk/layout.js'
import { staleLocks } from '../disk/lock/sweep.js'
import {
  isGivenName,
  nameOfBlobs,
  nameOfConflictCopy,
  nameOfLog,
  nameOfSidecar,
  nameOfTemporary,
} from '../disk/names.js'
import { unfinishedIn } from '../disk/quarantine.js'
import { FolderRuns, isOver } from '../disk/runs/folder-runs.js'
import { isRunLogName } from '../disk/runs/run-log.js'
import { type Finding, finding } from './finding.js'

/** A sync that brings blobs has brought their log by then, ms. */
const ARRIVAL_MS = 24 * 3_600_000

export function checkFolder(layout: Layout): Finding[] {
  const entries = entriesIn(layout.root)
  return [
    ...entries.flatMap((entry) => findingsAt(entry, entries)),
    ...collisions(entries),
    ...openFiles(layout, entries),
    ...staleLocks(layout.locks, layout.waiting).map((file) =>
      left('stale-lease', file, 'its process is gone', 'release'),
    ),
    ...leftRuns(layout),
    ...entriesIn(layout.quarantines).flatMap(({ file }) =>
      unfinishedIn(file).map((one) => left('leftover-file', one, 'a copy that a crash cut off', 'quarantine')),
    ),
  ]
}

/** A left-over of a crash that does no harm. */
function left(kind: Finding['kind'], file: string, reason: string, remedy: Finding['remedy']): Finding {
  return finding({ kind, file, reason, remedy, isDamage: false })
}

function findingsAt({ name, file, kind, changed }: Entry, entries: readonly Entry[]): Finding[] {
  const isThere = (log: string) => entries.some((entry) => nameOfLog(entry.name) === log)
  if (nameOfConflictCopy(name) !== undefined)
    return [
      finding({
        kind: 'conflict-copy',
        file,
        reason: `of ${nameOfConflictCopy(name)}; jsonl-sessions merge FILE takes its lines in`,
      }),
    ]
  if (nameOfLog(name) !== undefined) {
    return kind === 'file'
      ? []
      : [finding({ kind: 'not-a-log', file, reason: 'no regular file stands where a log should' })]
  }
  if (nameOfTemporary(name) !== undefined && kind === 'file')
    return [left('leftover-file', file, 'a temporary file that a crash left', 'quarantine')]
  const sidecar = nameOfSidecar(name)
  if (sidecar !== undefined && !isThere(sidecar)) {
    // the file of another tool may have such a name; an opening removes ours
    const remedy = kind === 'file' && !isGivenName(sidecar) ? 'quarantine' : null
    return [left('orphan-sidecar', file, 'its session is gone', remedy)]
  }
  if (sidecar !== undefined && kind !== 'file')
    return [finding({ kind: 'sidecar-unreadable', file, reason: 'no regular file stands where a sidecar should' })]
  const blobs = nameOfBlobs(name)
  if (blobs !== undefined && !isThere(blobs))
    return Date.now() - changed > ARRIVAL_MS
      ? [left('orphan-blobs', file, 'their session is gone', 'quarantine')]
      : [left('orphan-blobs', file, 'their session is gone, or has not arrived yet', null)]
  if (name.endsWith('.jsonl') && !name.startsWith('.'))
    return [finding({ kind: 'invalid-name', file, reason: 'no key has this name', isDamage: false })]
  return []
}

/** Names that are the same file on a file system that ignores case or Unicode form. */
function collisions(entries: readonly Entry[]): Finding[] {
  const first = new Map<string, string>()
  return entries.flatMap(({ name, file }) => {
    const folded = name.normalize('NFC').toLowerCase()
    const former = first.get(folded)
    if (former === undefined) first.set(folded, name)
    return former === undefined
      ? []
      : [finding({ kind: 'case-collision', file, reason: `differs from ${former} by case only` })]
  })
}

/** Files of the store that other users may read. The mode of the folder itself is the user's choice. */
function openFiles(layout: Layout, entries: readonly Entry[]): Finding[] {
  const own = entries.filter(
    ({ name, file }) =>
      (nameOfLog(name) ?? nameOfSidecar(name) ?? nameOfBlobs(name)) !== undefined ||
      [layout.locks, layout.trash, layout.quarantines, layout.running, layout.index].includes(file),
  )
  const below = own.flatMap((entry) => (entry.kind === 'folder' && entry.file !== layout.locks ? deep(entry.file) : []))
  // logs and blobs in a folder of the group
  const shares = isShared(layout.root)
  const isMeant = ({ name, file, isGroupOnly }: Entry) =>
    shares &&
    isGroupOnly &&
    (nameOfLog(name) ?? nameOfBlobs(name) ?? nameOfBlobs(path.basename(path.dirname(file)))) !== undefined
  return [...own, ...below]
    .filter((entry) => entry.isOpen && !isMeant(entry))
    .map(({ file }) => finding({ kind: 'permissions', file, reason: 'others may read it', remedy: 'restrict' }))
}

function deep(folder: string): Entry[] {
  return entriesIn(folder).flatMap((entry) => [entry, ...(entry.kind === 'folder' ? deep(entry.file) : [])])
}

/** Turns whose owner is dead, and what is no run log. */
function leftRuns(layout: Layout): Finding[] {
  const runs = new FolderRuns(layout.running)
  runs.refresh()
  const dead = [...runs.others].flatMap(({ name, fold }) => {
    if (fold.closed || !isOver(fold)) return []
    const turns = [...fold.statements.values()].filter(({ run }) => run.state === 'running')
    const file = path.join(layout.running, name)
    return turns.map(({ key }) =>
      left('interrupted-turn', file, `the process of a turn of ${key} is dead: see \`recover\``, null),
    )
  })
  runs.close()
  const strays = entriesIn(layout.running).filter(({ name }) => !isRunLogName(name))
  return [...dead, ...strays.map(({ file }) => left('leftover-file', file, 'no run log', 'quarantine'))]
}

/** The name in quarantine for a file that is moved there. */
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
