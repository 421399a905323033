/** Checks a store, and mends what needs no decision. */
import path from 'node:path'
import { look } from '../disk/files.js'
import { listFolder } from '../disk/folders.js'
import { makePrivate } from '../disk/inspect.js'
import { leaseOf } from '../disk/lock/lease.js'
import { waitedFor } from '../disk/lock/lock-folder.js'
import { isSessionName } from '../disk/names.js'
import { moveAside } from '../disk/quarantine.js'
import type { StoreInternals } from '../list/store-internals.js'
import { rewriteKeepingAll } from '../session/rewrite.js'
import { makeAgain } from '../session/sidecar.js'
import type { Finding } from './finding.js'
import { checkFolder, nameInQuarantine } from './folder.js'
import { checkSession } from './session.js'

export interface StoreCheck {
  sessions: number
  messages: number
  findings: Finding[]
  /** Sessions that could not be read. */
  failed: Array<{ key: string; error: unknown }>
}

/** Checks the given sessions; with null all of them and the rest of the folder. */
export async function checkStore(store: StoreInternals, keys: readonly string[] | null): Promise<StoreCheck> {
  const check: StoreCheck = { sessions: 0, messages: 0, findings: [], failed: [] }
  for (const key of keys ?? (await store.index.keys()).sort()) {
    try {
      const checked = await checkSession(store.log(key))
      // deleted since it was listed
      if (checked === null) continue
      check.sessions++
      check.messages += checked.messages
      check.findings.push(...checked.findings)
    } catch (error) {
      check.failed.push({ key, error })
    }
  }
  if (keys === null) check.findings.push(...checkFolder(store.context.layout))
  return check
}

/** Applies the remedies of findings; returns those that were mended. @throws SessionError ERR_LOCKED */
export async function mend(store: StoreInternals, findings: readonly Finding[]): Promise<Finding[]> {
  const mended: Finding[] = []
  const rewritten = new Set<string>()
  for (const finding of findings) {
    if (finding.remedy === null) continue
    if (finding.remedy === 'rewrite' && finding.key !== null) {
      if (!rewritten.has(finding.key)) await rewriteKeepingAll(store.log(finding.key))
      rewritten.add(finding.key)
    } else await apply(store, finding)
    mended.push(finding)
  }
  return mended
}

async function apply(store: StoreInternals, { remedy, file, key }: Finding): Promise<void> {
  const { layout, settings } = store.context
  const name = nameInQuarantine(file)
  if (remedy === 'restrict') return makePrivate(file)
  if (remedy === 'release') return release(store, file)
  const take = () => {
    // under its own name a temporary file would be reported again
    const as = path.basename(file).replace(/^\.(.+)\.tmp$/, '$1.left')
    if (look(file) !== undefined) moveAside(layout.quarantine(name), file, as)
  }
  if (remedy === 'rebuild' && key !== null) await makeAgain(store.log(key), take)
  else if (isSessionName(name) && name !== 'store') await leaseOf(layout, name).run(take, settings.lockTimeout)
  else take()
}

/** Takes over the lease of a dead process and releases it; looking at the waiters removes dead ones. */
async function release({ context: { layout } }: StoreInternals, file: string): Promise<void> {
  waitedFor(layout.waiting)
  const name = path.basename(path.dirname(file))
  if (!isSessionName(name) || listFolder(layout.lock(name)).length === 0) return
  const lease = leaseOf(layout, name)
  await lease.run(() => {}, 0)
  await lease.release()
}
