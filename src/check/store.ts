/** Checks a store, and mends what needs no decision. */
import path from 'node:path'
import { checkBoolean, checkNames, checkSignal, checkTexts } from '../base/arguments.js'
import { statFile } from '../disk/files.js'
import { listFolder } from '../disk/folders.js'
import { makePrivate } from '../disk/inspect.js'
import { isSessionName } from '../disk/names.js'
import { moveAside } from '../disk/quarantine.js'
import type { StoreInternals } from '../list/store-internals.js'
import { rewriteKeepingAll } from '../session/change/rewrite.js'
import { makeAgain } from '../session/state/sidecar.js'
import type { Finding } from './finding.js'
import { checkFolder, nameInQuarantine } from './folder.js'
import { checkSession } from './session.js'

export interface StoreCheckOptions {
  /** Only these sessions. Without it all of them, and what else is in the folder. */
  keys?: readonly string[]
  /** Applies the remedies of what is found. */
  fix?: boolean
  /** With `fix` also files in which no line is one of a session: all of them goes to quarantine. */
  force?: boolean
  signal?: AbortSignal
}

export interface StoreCheck {
  /** Sessions that were read. */
  sessions: number
  /** Live messages in them. */
  messages: number
  findings: Finding[]
  /** Those whose remedies were applied. */
  mended: Finding[]
  /** Sessions that could not be read, and what could not be mended; without a key: of the folder. */
  failed: Array<{ key: string; error: unknown }>
}

/** @throws TypeError for wrong options; what the signal was aborted with */
export async function checkStore(store: StoreInternals, options?: StoreCheckOptions): Promise<StoreCheck> {
  const { keys, fix = false, force = false, signal } = checkNames('check', options, ['keys', 'fix', 'force', 'signal'])
  if (keys !== undefined) checkTexts('keys', keys)
  checkBoolean('fix', fix)
  checkBoolean('force', force)
  checkSignal(signal)
  const check: StoreCheck = { sessions: 0, messages: 0, findings: [], mended: [], failed: [] }
  for (const key of keys ?? (await store.index.keys()).sort()) {
    signal?.throwIfAborted()
    try {
      const checked = await checkSession(store.log(key))
      // deleted since it was listed
      if (checked === null) continue
      check.sessions++
      check.messages += checked.messages
      check.findings.push(...checked.findings.map((found) => (force ? forced(found) : found)))
    } catch (error) {
      check.failed.push({ key, error })
    }
  }
  if (keys === undefined) {
    try {
      check.findings.push(...checkFolder(store.context.layout))
    } catch (error) {
      check.failed.push({ key: '', error })
    }
  }
  if (fix) await mend(store, check, signal)
  return check
}

/** A file of another tool is left unchanged, unless its user wants it rewritten. */
function forced(found: Finding): Finding {
  return found.kind === 'foreign-file' ? { ...found, remedy: 'rewrite' } : found
}

/** Applies the remedies of what was found. One that fails does not keep the others from being applied. */
async function mend(
  store: StoreInternals,
  { findings, mended, failed }: StoreCheck,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rewritten = new Set<string>()
  for (const finding of findings) {
    if (finding.remedy === null) continue
    signal?.throwIfAborted()
    try {
      if (finding.remedy === 'rewrite' && finding.key !== null) {
        if (!rewritten.has(finding.key))
          await rewriteKeepingAll(store.log(finding.key), { signal, force: finding.kind === 'foreign-file' })
        rewritten.add(finding.key)
      } else await apply(store, finding)
      mended.push(finding)
    } catch (error) {
      signal?.throwIfAborted()
      failed.push({ key: finding.key ?? '', error })
    }
  }
}

async function apply(store: StoreInternals, { remedy, file, key }: Finding): Promise<void> {
  const { layout, leases, settings } = store.context
  const name = nameInQuarantine(file)
  if (remedy === 'restrict') return makePrivate(file)
  if (remedy === 'release') return release(store, file)
  const take = () => {
    // under its own name a temporary file would be reported again
    const as = path.basename(file).replace(/^\.(.+)\.tmp$/, '$1.left')
    if (statFile(file) !== undefined) moveAside(layout.quarantine(name), file, as)
  }
  if (remedy === 'rebuild' && key !== null) await makeAgain(store.log(key), take)
  else if (isSessionName(name) && name !== 'store') await leases.of(name).run(take, settings.lockTimeout)
  else take()
}

/** Takes over the lease of a dead process and releases it; listing the waiters removes dead ones. */
async function release({ context: { layout, leases } }: StoreInternals, file: string): Promise<void> {
  leases.waiters()
  const name = path.basename(path.dirname(file))
  if (!isSessionName(name) || listFolder(layout.lock(name)).length === 0) return
  const lease = leases.of(name)
  await lease.run(() => {}, 0)
  await lease.release()
}
