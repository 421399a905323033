/** The options of a watcher, checked once. */
import { isObject } from '../base/json.js'

export interface WatchOptions {
  /** A turn that runs for longer than this is stuck, ms. Default 300,000. */
  stuckAfterMs?: number
  /** A process that cannot be seen from here (another host, another container) is lost when silent for this long, ms. Default 30,000. */
  silentAfterMs?: number
  /** How often everything is looked at, whatever the events say, ms. Default 5,000, with `poll` 1,000. */
  rescanMs?: number
  /** Ask the file system now and then instead of waiting for its events: for network drives. Default false. */
  poll?: boolean
  /** Whether watching alone keeps the process alive. Default true. */
  persistent?: boolean
  /** Ends the watching. */
  signal?: AbortSignal
}

export type WatchSettings = Required<Omit<WatchOptions, 'signal'>> & { signal: AbortSignal | undefined }

const KNOWN = ['stuckAfterMs', 'silentAfterMs', 'rescanMs', 'poll', 'persistent', 'signal']
/** As long as a timer can wait. */
const MOST_MS = 2 ** 31 - 1

/** @throws TypeError for an unknown option or a wrong type, RangeError for a number out of range */
export function checkWatchOptions(options: unknown = {}): WatchSettings {
  if (!isObject(options)) throw new TypeError('the options of a watcher must be an object')
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name))
  if (unknown !== undefined) throw new TypeError(`unknown option: ${unknown}`)
  const { stuckAfterMs = 300_000, silentAfterMs = 30_000, poll = false, persistent = true } = options as WatchOptions
  const { rescanMs = poll ? 1_000 : 5_000, signal } = options as WatchOptions
  for (const [name, value] of Object.entries({ poll, persistent })) {
    if (typeof value !== 'boolean') throw new TypeError(`option ${name} must be true or false`)
  }
  for (const [name, value] of Object.entries({ stuckAfterMs, silentAfterMs, rescanMs })) {
    if (typeof value !== 'number') throw new TypeError(`option ${name} must be a number of milliseconds`)
    if (!(value >= 0)) throw new RangeError(`option ${name} must not be negative`)
  }
  if (!(rescanMs >= 1 && rescanMs <= MOST_MS)) throw new RangeError('option rescanMs must be from 1 to 2,147,483,647')
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError('option signal must be an AbortSignal')
  }
  return { stuckAfterMs, silentAfterMs, rescanMs, poll, persistent, signal }
}
