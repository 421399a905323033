/** The options of a store, checked once. */

import { checkAmount, checkBoolean, checkDuration, checkNames } from '../base/arguments.js'
import { isObject } from '../base/json.js'
import type { Fsync } from '../disk/log/log-writer.js'
import type { Redact } from './redaction.js'
import type { CrashLeft, DamageReport, LostReport } from './reports.js'

export interface StoreOptions {
  /**
   * What an acknowledged write survives. `'no'` (default): the death of the process. `'everysec'`: a power cut,
   * but for about the last second. `'always'`: a power cut.
   */
  fsync?: Fsync
  /**
   * Whether an append takes the lease of its session. Without it, an append waits for no other process; that is safe on
   * file systems of this machine only. Default: `'unleased'` where the mount table names such a file system, else
   * `'leased'`.
   */
  appends?: 'leased' | 'unleased'
  /**
   * With `true` the folder may lie on a network drive, where several machines write to it; see "More than one machine"
   * in the README of the store. Without it `openStore` rejects with ERR_NETWORK_DRIVE for a drive that is known as one.
   */
  network?: boolean
  /** The store's clock: Unix milliseconds or a Date. Default `Date.now`. */
  now?: () => number | Date
  /** How long a write waits for a lease that another process holds, ms. Default 15,000. */
  lockTimeout?: number
  /**
   * The largest message line, bytes; a larger message is refused with ERR_TOO_LARGE. Default 128 MiB, which is also the
   * most.
   */
  maxMessageBytes?: number
  /**
   * Nothing is written that was not asked for: opening clears nothing away, and lists and searches save nothing. Default
   * false.
   */
  readOnly?: boolean
  /**
   * `'private'` (default): only the owner may read what the store writes. `'group'`: the group of the folder may read it,
   * its logs and its blobs (0750, 0640), as far as they are made or rewritten under this option.
   */
  mode?: 'private' | 'group'
  /**
   * Called with every message, value, label and other text before it is written, in whatever contract, adapter, merge
   * or import; what it returns is written in its place. Where it throws, the call rejects with ERR_REDACT and nothing
   * is written. Bytes (values and parts of checkpoints that are a `Uint8Array`) are not passed.
   */
  redact?: Redact
  /** With `{ index: false }` a search keeps no index: it reads every log. Default `{ index: true }`. */
  search?: { index: boolean }
  /**
   * Called when any reading meets lines that cannot be read: once for each line, as long as the store is open. They are
   * skipped and stay where they are.
   */
  onDamage?: (report: DamageReport) => void
  /**
   * Called when a log lacks messages that this process wrote: a sync put an older state or another machine's in its
   * place. They lie in a file of their own, which `session.merge` takes back.
   */
  onLost?: (report: LostReport) => void
  /** Called when work in the background failed, such as writing a sidecar. Nothing is lost by it. */
  onError?: (error: unknown, key: string) => void
  /**
   * Called when the store is opened, if a crash left turns whose process on this host is dead, and once more when
   * left-overs have been cleared away, which is done beside the first calls. Nothing is done about the turns; see
   * `store.recover()`.
   */
  onCrash?: (left: CrashLeft) => void
}

export type Settings = Required<Omit<StoreOptions, 'onCrash' | 'appends' | 'redact'>> & {
  onCrash: StoreOptions['onCrash']
  appends: StoreOptions['appends']
  redact: Redact | undefined
}

/** Does the work on one of several sessions: a failure is reported, and stops none of the others. */
export async function attempt<T>(settings: Settings, key: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    settings.onError(error, key)
    return undefined
  }
}

const DEFAULTS: Settings = {
  fsync: 'no',
  appends: undefined,
  network: false,
  now: Date.now,
  lockTimeout: 15_000,
  maxMessageBytes: 128 * 1024 * 1024,
  readOnly: false,
  mode: 'private',
  redact: undefined,
  search: { index: true },
  onDamage: () => {},
  onLost: () => {},
  onError: () => {},
  onCrash: undefined,
}

/** @throws TypeError for an unknown option or a wrong type, RangeError for a number out of range */
export function checkOptions(options: unknown): Settings {
  if (options === undefined) return DEFAULTS
  const known = checkNames('openStore', options as StoreOptions, Object.keys(DEFAULTS) as Array<keyof StoreOptions>)
  const given = Object.entries(known).filter(([, value]) => value !== undefined)
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) } as Settings
  if (!['no', 'everysec', 'always'].includes(settings.fsync)) {
    throw new TypeError("option fsync must be 'no', 'everysec' or 'always'")
  }
  if (![undefined, 'leased', 'unleased'].includes(settings.appends)) {
    throw new TypeError("option appends must be 'leased' or 'unleased'")
  }
  if (typeof settings.network !== 'boolean') throw new TypeError('option network must be true or false')
  if (settings.network && settings.appends === 'unleased') {
    throw new TypeError(
      "option appends must not be 'unleased' on a network drive: appends of two machines interleave there",
    )
  }
  if (!['private', 'group'].includes(settings.mode)) throw new TypeError("option mode must be 'private' or 'group'")
  for (const name of ['now', 'redact', 'onDamage', 'onLost', 'onError', 'onCrash'] as const) {
    if (settings[name] !== DEFAULTS[name] && typeof settings[name] !== 'function')
      throw new TypeError(`option ${name} must be a function`)
  }
  if (!isObject(settings.search) || typeof settings.search.index !== 'boolean') {
    throw new TypeError('option search must be { index: true } or { index: false }')
  }
  checkBoolean('option readOnly', settings.readOnly)
  checkDuration('option lockTimeout', settings.lockTimeout)
  checkAmount('option maxMessageBytes', settings.maxMessageBytes)
  return settings
}
