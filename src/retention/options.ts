/** The options of a cleanup, checked once. */
import { checkSignal, checkTexts } from '../base/arguments.js'
import { isObject } from '../base/json.js'

/** Sessions go, longest idle first, until all limits hold that are given; at least one must be. */
export interface CleanupOptions {
  /** Sessions to which nothing was written for longer than this, ms: no message, label or value. */
  olderThan?: number
  /** Those beyond this number. */
  maxSessions?: number
  /** Those that take the store beyond this size of logs and blobs, … */
  maxBytes?: number
  /** … down to this size once it is beyond it. Default `maxBytes`. */
  downToBytes?: number
  /** Whatever the limits say, no session to which something was written within this time, ms. Default 0. */
  minAge?: number
  /** Nor one with any of these tags. Default `['pinned']`. */
  keep?: readonly string[]
  /** Only tell what would be removed. */
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
  /** Only tell what would be purged. */
  dryRun?: boolean
}

const NONE = Number.POSITIVE_INFINITY
const KNOWN = ['olderThan', 'maxSessions', 'maxBytes', 'downToBytes', 'minAge', 'keep', 'dryRun', 'signal']

/** @throws TypeError for an unknown or missing option or a wrong type, RangeError for a number out of range */
export function checkCleanup(options: unknown): CleanupRules {
  const given = checkNames('cleanup', options, KNOWN) as CleanupOptions
  const { olderThan = NONE, maxSessions = NONE, maxBytes = NONE, minAge = 0, keep = ['pinned'], dryRun = false } = given
  const { downToBytes = maxBytes } = given
  if (given.olderThan === undefined && given.maxSessions === undefined && given.maxBytes === undefined) {
    throw new TypeError('cleanup needs olderThan, maxSessions or maxBytes')
  }
  if (given.downToBytes !== undefined && given.maxBytes === undefined) {
    throw new TypeError('option downToBytes needs maxBytes')
  }
  checkNumbers({ olderThan, maxSessions, maxBytes, downToBytes, minAge })
  if (downToBytes > maxBytes) throw new RangeError('option downToBytes must not be greater than maxBytes')
  checkTexts('option keep', keep)
  checkBoolean('dryRun', dryRun)
  checkSignal(given.signal)
  return { signal: given.signal, olderThan, maxSessions, maxBytes, downToBytes, minAge, keep: [...keep], dryRun }
}

/** @throws TypeError, RangeError likewise */
export function checkPurgeTrash(options: unknown): Required<PurgeTrashOptions> {
  const { olderThan, dryRun = false } = checkNames('purgeTrash', options, ['olderThan', 'dryRun']) as PurgeTrashOptions
  checkNumbers({ olderThan })
  checkBoolean('dryRun', dryRun)
  return { olderThan, dryRun }
}

function checkNames(what: string, options: unknown, known: readonly string[]): object {
  if (!isObject(options)) throw new TypeError(`${what} needs an object of options`)
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new TypeError(`unknown option: ${unknown}`)
  return options
}

function checkNumbers(numbers: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value !== 'number') throw new TypeError(`option ${name} must be a number`)
    if (!(value >= 0)) throw new RangeError(`option ${name} must not be negative`)
  }
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new TypeError(`option ${name} must be true or false`)
}
