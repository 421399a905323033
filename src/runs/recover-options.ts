/** The options of a recovery, checked once. */

import { checkDuration, checkNames, checkSignal } from '../base/arguments.js'
import { checkKey } from '../disk/names.js'
import type { CrashedRun, RunEnd } from '../session/reports.js'

/** What is done to a run that was cut off. `report`: nothing. */
export type RecoverAction = 'report' | RunEnd | ((run: CrashedRun) => RunEnd | undefined | Promise<RunEnd | undefined>)

export interface RecoverOptions {
  /**
   * `'report'` (default) changes nothing. `'error'` sets state error; `'interrupt'` sets state idle and leaves a note
   * in the log; `'idle'` only sets the state. A function is called while this process owns the run, and returns one of
   * them (`'idle'` unless it does); when it throws, that is `'error'`.
   */
  action?: RecoverAction
  /** Only these sessions. Default: all. */
  keys?: readonly string[]
  /**
   * A process that cannot be seen from here (another host, another container) is given up when silent for this long,
   * ms. Default 60,000.
   */
  silentAfterMs?: number
  /** Ends the recovery between two sessions. */
  signal?: AbortSignal
}

export type RecoverSettings = Required<Omit<RecoverOptions, 'keys' | 'signal'>> & {
  keys: readonly string[] | undefined
  signal: AbortSignal | undefined
}

/** @throws TypeError for an unknown option or a wrong type, RangeError for a number out of range */
export function checkRecoverOptions(options: RecoverOptions | undefined): RecoverSettings {
  const given = checkNames('recover', options, ['action', 'keys', 'silentAfterMs', 'signal'])
  const { action = 'report', keys, silentAfterMs = 60_000, signal } = given
  if (typeof action !== 'function' && action !== 'report' && !isRunEnd(action)) {
    throw new TypeError("option action must be 'report', 'error', 'interrupt', 'idle' or a function")
  }
  if (keys !== undefined && !Array.isArray(keys)) throw new TypeError('option keys must be an array of keys')
  keys?.forEach(checkKey)
  checkDuration('option silentAfterMs', silentAfterMs)
  checkSignal(signal)
  return { action, keys, silentAfterMs, signal }
}

export function isRunEnd(value: unknown): value is RunEnd {
  return value === 'error' || value === 'interrupt' || value === 'idle'
}
