/** The options of a watcher, checked once. */
import { checkBoolean, checkDuration, checkNames, checkSignal } from '../base/arguments.js'

export interface WatchOptions {
  /** A turn that runs for longer than this is stuck, ms. Default 300,000. */
  stuckAfterMs?: number
  /**
   * A process that cannot be seen from here (another host, another container) is lost when silent for this long, ms.
   * Default 30,000.
   */
  silentAfterMs?: number
  /** How often everything is scanned, independent of events, ms. Default 5,000, with `poll` 1,000. */
  rescanMs?: number
  /** Polls the file system instead of waiting for its events: for network drives. Default false. */
  poll?: boolean
  /** Whether watching alone keeps the process alive. Default true. */
  persistent?: boolean
  /** Ends the watching. */
  signal?: AbortSignal
}

export type WatchSettings = Required<Omit<WatchOptions, 'signal'>> & { signal: AbortSignal | undefined }

const KNOWN = ['stuckAfterMs', 'silentAfterMs', 'rescanMs', 'poll', 'persistent', 'signal'] as const
/** As long as a timer can wait. */
const MOST_MS = 2 ** 31 - 1

/** @throws TypeError for an unknown option or a wrong type, RangeError for a number out of range */
export function checkWatchOptions(options: WatchOptions | undefined): WatchSettings {
  const given = checkNames('watch', options, KNOWN)
  const { stuckAfterMs = 300_000, silentAfterMs = 30_000, poll = false, persistent = true, signal } = given
  const { rescanMs = poll ? 1_000 : 5_000 } = given
  for (const [name, value] of Object.entries({ poll, persistent })) checkBoolean(`option ${name}`, value)
  for (const [name, value] of Object.entries({ stuckAfterMs, silentAfterMs, rescanMs }))
    checkDuration(`option ${name}`, value)
  if (!(rescanMs >= 1 && rescanMs <= MOST_MS)) throw new RangeError('option rescanMs must be from 1 to 2,147,483,647')
  checkSignal(signal)
  return { stuckAfterMs, silentAfterMs, rescanMs, poll, persistent, signal }
}
