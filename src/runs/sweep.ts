/** Clearing away, when a store is opened, what a crash left behind. */
import path from 'node:path'
import { errno, SessionError } from '../base/errors.js'
import { sleep, yieldIfDue } from '../base/event-loop.js'
import { pickNames } from '../disk/directory.js'
import { removeFile, statFile } from '../disk/files.js'
import { isFolder, listFolder, refuseLink } from '../disk/folders.js'
import type { Layout } from '../disk/layout.js'
import { sweepLocks } from '../disk/lock/sweep.js'
import { rewrittenNames } from '../disk/log/formers.js'
import { ABSENCE_MS } from '../disk/log/log-writer.js'
import { isNameOf, isSessionName, logBeside, nameOfSidecar, nameOfTemporary } from '../disk/names.js'
import { unfinishedIn } from '../disk/quarantine.js'
import { isAbandoned } from '../disk/search-index/file.js'
import { sidecarOrNone } from '../disk/sidecar/sidecar-file.js'
import { leftInTrash, removeLeft } from '../disk/trash.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { StoreContext } from '../session/context.js'
import { convertMarkers, sweepRunLogs } from './sweep-run-logs.js'

/** How long work of this process on a session is waited for, ms: on a busy machine, to take a free lease lasts some time. */
const BUSY_MS = 250

/** Paths of what was removed, relative to the store. */
type Swept = string[]

/** What must be cleared away before the first call, or costs little: left-overs of processes that ended. */
export async function sweepAtOpen(store: StoreInternals): Promise<void> {
  const { layout, leases, clock, runs } = store.context
  if (!isFolder(layout.root)) return
  const attempt = (work: () => unknown) => attemptIn(store.context, work)
  await attempt(() => leases.waiters())
  await attempt(() => sweepLocks(layout.locks))
  // the next owner of the lease finishes what a dead rewrite has left
  await attempt(async () => {
    for (const name of rewrittenNames(layout)) await attempt(() => underLease(store.context, name, () => {}))
  })
  await attempt(async () => {
    for (const trashed of leftInTrash(layout))
      await attempt(() => underLease(store.context, trashed.name, () => removeLeft(layout, trashed)))
  })
  if (isFolder(layout.index)) await attempt(() => isAbandoned(layout.signatures()) && removeFile(layout.signatures()))
  await attempt(async () => {
    refuseLink(layout.running)
    await convertMarkers(store)
    await sweepRunLogs(store, remover(layout, store.swept))
  })
  if (runs.clockMark !== undefined) clock.trust(runs.clockMark)
}

/**
 * Removes temporary files whose writer is gone, and sidecars whose log is gone, in slices. Nothing that travels is
 * removed: blobs may be there before their log, where a sync brings both. What belongs to a session that is in use is
 * left for the next time. Returns what was removed.
 */
export async function sweepLeftovers(store: StoreInternals, isStopped = () => false): Promise<Swept> {
  const { context } = store
  const { layout } = context
  const swept: Swept = []
  const remove = remover(layout, swept)
  const quarantined: string[] = []
  await attemptIn(context, () => quarantined.push(...listFolder(layout.quarantines)))
  for (const name of quarantined) {
    await attemptIn(context, async () => {
      const unfinished = isSessionName(name) ? unfinishedIn(layout.quarantine(name)) : []
      if (unfinished.length > 0) await underLease(context, name, () => unfinished.forEach(remove))
    })
  }
  const present = new Set<string | undefined>(await pickNames(layout.root, (name) => name))
  const left = [...present].flatMap((file) => leftoverOf(file, present) ?? [])
  // an editor that saves by renaming takes a log away for a moment
  if (left.some(({ isOrphan }) => isOrphan)) await sleep(ABSENCE_MS)
  for (const { name, file, isOrphan } of left) {
    if (isStopped()) break
    if (isOrphan && !isOrphanSidecar(layout, name)) continue
    await attemptIn(context, () =>
      underLease(context, name, () => {
        if (!isOrphan || statFile(layout.log(name)) === undefined) remove(path.join(layout.root, file))
      }),
    )
    await yieldIfDue()
  }
  return swept
}

/** Removes regular files and notes their paths. */
function remover(layout: Layout, swept: Swept): (file: string) => void {
  return (file) => {
    if (statFile(file) !== 'other' && removeFile(file)) swept.push(path.relative(layout.root, file))
  }
}

/** A file that a crash or a deletion by hand left of a session. */
interface Leftover {
  name: string
  file: string
  /** It is a sidecar without log. */
  isOrphan: boolean
}

function leftoverOf(file: string | undefined, present: ReadonlySet<string | undefined>): Leftover | undefined {
  if (file === undefined || present.has(logBeside(file))) return undefined
  const temporary = nameOfTemporary(file)
  if (temporary !== undefined) return { name: temporary, file, isOrphan: false }
  const orphan = nameOfSidecar(file)
  return orphan === undefined ? undefined : { name: orphan, file, isOrphan: true }
}

/** True for a sidecar of ours without its log. */
function isOrphanSidecar(layout: Layout, name: string): boolean {
  if (statFile(layout.log(name)) !== undefined) return false
  const sidecar = sidecarOrNone(layout.sidecar(name))
  return sidecar !== null && isNameOf(name, sidecar.key)
}

/** For a session that is not in use: work of this process on it is waited for a moment only, since that may wait for this. */
async function underLease({ leases }: StoreContext, name: string, work: () => void | Promise<void>): Promise<void> {
  const lease = leases.of(name)
  await lease.run(work, 0, AbortSignal.timeout(BUSY_MS))
  await lease.release()
}

/** What fails here is left, and reported unless it is in use or belongs to another user: no result depends on it. */
async function attemptIn({ settings }: StoreContext, work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    const isInUse = error instanceof SessionError || (error instanceof DOMException && error.name === 'TimeoutError')
    const isQuiet = isInUse || ['EACCES', 'EPERM', 'EROFS'].includes(errno(error) ?? '')
    if (!isQuiet) settings.onError(error, '')
  }
}
