/** The options of a cleanup, checked once. */
import { checkAmount, checkBoolean, checkDuration, checkNames, checkSignal, checkTexts } from '../base/arguments.js'

/** Sessions go, longest idle first, until all limits hold that are given; at least one must be. */
export interface CleanupOptions {
  /** Sessions to which nothing was written for longer than this, ms: no message, label or value. */
  olderThan?: number
  /** Those beyond this number. */
  maxSessions?: number
  /** Sessions that take the store beyond this size of logs and blobs, … */
  maxBytes?: number
  /** … down to this size once it is beyond it. Default `maxBytes`. */
  downToBytes?: number
  /** Independent of the limits, no session to which something was written within this time, ms. Default 0. */
  minAge?: number
  /** Nor one with any of these tags. Default `['pinned']`. */
  keep?: readonly string[]
  /** Only report what would be removed. */
  dryRun?: boolean
  /** Ends the cleanup between two sessions. */
  signal?: AbortSignal
}

export interface CleanupRules {
  olderThan: number
  maxSessions: number
  maxBytes: number
  downToBytes: number
  minAge: number
  keep: readonly string[]
  dryRun: boolean
  signal: AbortSignal | undefined
}

/** What is purged from the trash. */
export interface PurgeTrashOptions {
  /** What was put there longer ago than this, ms. */
  olderThan: number
  /** Only report what would be purged. */
  dryRun?: boolean
  /** Ends the purging between two sessions. */
  signal?: AbortSignal
}

export interface PurgeRules {
  olderThan: number
  dryRun: boolean
  signal: AbortSignal | undefined
}

const NONE = Number.POSITIVE_INFINITY
const KNOWN = ['olderThan', 'maxSessions', 'maxBytes', 'downToBytes', 'minAge', 'keep', 'dryRun', 'signal'] as const

/** @throws TypeError for an unknown or missing option or a wrong type, RangeError for a number out of range */
export function checkCleanup(options: CleanupOptions): CleanupRules {
  const given = checkNames('cleanup', options, KNOWN)
  const { olderThan = NONE, maxSessions = NONE, maxBytes = NONE, minAge = 0, keep = ['pinned'], dryRun = false } = given
  const { downToBytes = maxBytes } = given
  if (given.olderThan === undefined && given.maxSessions === undefined && given.maxBytes === undefined) {
    throw new TypeError('cleanup needs olderThan, maxSessions or maxBytes')
  }
  if (given.downToBytes !== undefined && given.maxBytes === undefined) {
    throw new TypeError('option downToBytes needs maxBytes')
  }
  for (const [name, value] of Object.entries({ olderThan, minAge })) checkDuration(`option ${name}`, value)
  for (const [name, value] of Object.entries({ maxSessions, maxBytes, downToBytes }))
    checkAmount(`option ${name}`, value)
  if (downToBytes > maxBytes) throw new RangeError('option downToBytes must not be greater than maxBytes')
  checkTexts('option keep', keep)
  checkBoolean('option dryRun', dryRun)
  checkSignal(given.signal)
  return { signal: given.signal, olderThan, maxSessions, maxBytes, downToBytes, minAge, keep: [...keep], dryRun }
}

/** @throws TypeError, RangeError likewise */
export function checkPurgeTrash(options: PurgeTrashOptions): PurgeRules {
  const { olderThan, dryRun = false, signal } = checkNames('purgeTrash', options, ['olderThan', 'dryRun', 'signal'])
  checkDuration('option olderThan', olderThan)
  checkBoolean('option dryRun', dryRun)
  checkSignal(signal)
  return { olderThan, dryRun, signal }
}
