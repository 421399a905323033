/** Rewriting one log: plan under the lease, set aside what cannot be read, put the new file in place. */

import { logBusy } from '../../base/errors.js'
import { replaceLog } from '../../disk/atomic-replace.js'
import type { FileMark } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Part } from '../../disk/log/range-copier.js'
import { setAside } from '../../disk/quarantine.js'
import { isNoRoom, withReserve } from '../../disk/reserve.js'
import type { RewritePlan } from '../../log/rewrite/rewrite.js'
import { metaLine } from '../../log/serialize.js'
import { foreignLog, isForeign } from '../log/foreign-log.js'
import { stampLines } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'
import { type Plan, type Purges, partsOf, planRewrite, type Selection } from './rewrite-plan.js'
import { checkVersion } from './transaction.js'

export interface RewriteResult {
  /** By how much the log became shorter, bytes; negative when written-down ids and times made it longer. */
  dropped: number
  /** Messages that were purged. */
  purged: number
  /** Ranges of unreadable bytes that were copied to quarantine. */
  quarantined: number
}

/** How often a rewrite starts over when the log is replaced meanwhile, or a writer prevents its rename. */
const MAX_ATTEMPTS = 20
const PATIENT_ATTEMPTS = 5

/**
 * With `purges`, archived messages go too of which it says so; a log without such messages is not touched then.
 * A file without a line of ours is rewritten with `force` only. @throws SessionError ERR_NOT_A_LOG
 */
export async function rewriteLog(
  log: SessionLog,
  { purges, force = false, signal }: { purges?: Purges; force?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<RewriteResult | null> {
  log.context.checkOpen()
  const rewrite = () => rewriteHeld(log, () => ({ ...(purges && { purgesArchived: purges }), force }))
  return (await withReserve(log.context.layout, () => log.holdExisting(rewrite, signal))) ?? null
}

/** As `rewriteLog`; all bytes that go are kept in quarantine. */
export async function rewriteKeepingAll(
  log: SessionLog,
  { force = false, signal }: { force?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<RewriteResult | null> {
  log.context.checkOpen()
  const rewrite = () => rewriteHeld(log, () => ({ keepsAll: true, force }))
  return (await withReserve(log.context.layout, () => log.holdExisting(rewrite, signal))) ?? null
}

/**
 * As `rewriteLog`, for work under the lease. `select` decides for the open log what goes besides what no reader sees;
 * null leaves the log alone.
 */
export async function rewriteHeld(
  log: SessionLog,
  select: (reader: LogReader) => Selection | null | undefined | Promise<Selection | null>,
): Promise<RewriteResult | null> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const outcome = await log.using(async (reader) => {
      const selection = await select(reader)
      if (selection === null) return null
      if (!selection?.force && (await isForeign(reader))) throw foreignLog(log.file.path)
      const reading = await planRewrite(reader, { now: log.context.clock.now(), ...selection })
      const { plan, purged } = reading
      return plan === null || (selection?.purgesArchived !== undefined && purged === 0)
        ? null
        : await carryOut(log, reading, plan, { ...selection, attempt })
    })
    if (outcome !== 'replaced') return outcome ?? null
  }
  throw logBusy(log.key, log.file.path)
}

async function carryOut(
  log: SessionLog,
  reading: Plan,
  plan: RewritePlan,
  { keepsAll = false, adds, attempt }: Selection & { attempt: number },
): Promise<RewriteResult | 'replaced'> {
  const { reader, summary, purged } = reading
  const file = log.file.path
  checkVersion(summary, file)
  const { layout, clock } = log.context
  const aside = plan.edits.filter(({ action }) => action === 'aside' || (keepsAll && action === 'drop'))
  const carry = plan.carry && metaLine({ id: clock.id(summary.maxId), at: plan.carryAt }, plan.carry)
  const end = stampLines(adds ?? [], clock, summary, 0, log.lineRules()).bytes
  const parts = () => withEnd(reading, Buffer.concat([Buffer.from(carry ?? ''), end]))
  // what is added was decided on all lines before it
  const isStrict = adds !== undefined
  let size = 0
  const counted = function* () {
    for (const part of parts()) {
      size += lengthOf(part)
      yield part
    }
  }
  try {
    await setAside(layout.quarantine(log.name), reader.fd, aside)
    const mark = await putInPlace(log, reader, { parts: counted(), size: reading.size, attempt, isStrict })
    if (mark === 'replaced') return mark
    // what came meanwhile is no part of it
    return { dropped: reader.size - size, purged, quarantined: aside.length }
  } catch (error) {
    if (!isNoRoom(error)) throw error
    throw needing(error as Error, [...aside, ...parts()], file)
  }
}

function lengthOf(part: Part): number {
  return Buffer.isBuffer(part) ? part.length : part.end - part.offset
}

/** A full disk has no room for what is written beside the log before the log goes: the error says how much that is. */
function needing(error: Error, parts: readonly Part[], file: string): Error {
  const needed = parts.reduce((sum, part) => sum + lengthOf(part), 0)
  return Object.assign(error, { message: `${error.message}; a rewrite of ${file} needs ${needed} bytes`, needed })
}

/**
 * Puts a new file in the place of the one that `reader` reads, for work under the lease; returns its mark, or
 * `'replaced'` when another log is in its place: then nothing was changed.
 */
export async function putInPlace(
  log: SessionLog,
  reader: LogReader,
  {
    size = reader.size,
    attempt,
    ...given
  }: { parts: Iterable<Part>; size?: number; attempt: number; isStrict?: boolean },
): Promise<FileMark | 'replaced'> {
  const { layout, isNetwork } = log.context
  try {
    if (isNetwork) await log.file.sync()
    const checkLease = () => log.checkLease()
    // busy appenders prevent a rename that waits for a sync: after some attempts it does not wait
    const hurries = attempt >= PATIENT_ATTEMPTS
    const mark = await replaceLog({ layout, name: log.name, from: reader, size, checkLease, hurries, ...given })
    if (mark !== 'replaced') log.context.noteBehind(log)
    return mark
  } catch (error) {
    log.noteUnfinished()
    throw error
  } finally {
    log.reset()
  }
}

function* withEnd(reading: Plan, end: Buffer): Generator<Part> {
  yield* partsOf(reading)
  if (end.length > 0) yield end
}
