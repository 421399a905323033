/** The drive of a store's folder, as the system names it. Asked once, when the folder is opened. */
import fs from 'node:fs'
import path from 'node:path'
import { SessionError } from '../../base/errors.js'
import { type System, thisSystem } from '../platform/system.js'
import type { SharedPart } from '../shared-folder.js'
import { type Drive, driveOf, type Mount, mountInLinux, mountInMac, mountInWindows } from './mount-table.js'

/** The folder need not exist; where the system says nothing, the place is `unknown`. */
export function lookAtDrive(folder: string, system: System = thisSystem): Drive {
  const place = orUndefined(() => realPathOf(folder))
  if (place === undefined) return driveOf(undefined)
  // first: a drive that is mounted on demand is in the table then
  const number = orUndefined(() => system.number(place))
  return driveOf(
    orUndefined(() => mountOf(place, system)),
    number,
  )
}

function mountOf(place: string, system: System): Mount | undefined {
  if (system.platform === 'linux') return mountInLinux(system.read('/proc/self/mountinfo'), place)
  if (system.platform === 'darwin') return mountInMac(system.run('/sbin/mount', []), place)
  return system.platform === 'win32' ? mountInWindows(place) : undefined
}

/** With links resolved, of the folder or the nearest one above that exists. */
function realPathOf(folder: string): string {
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    if (fs.existsSync(place) || place === path.dirname(place)) return fs.realpathSync.native(place)
  }
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** One look for all stores of a folder. */
export class FolderDrive implements SharedPart {
  readonly drive: Drive
  readonly #folder: string
  #isWarned = false

  constructor(folder: string) {
    this.#folder = folder
    this.drive = lookAtDrive(folder)
  }

  /**
   * Looks whether a store may be opened here: on a network drive only where that is allowed. Says once that it is not
   * known whether the drive is one. @throws SessionError ERR_NETWORK_DRIVE
   */
  check(isNetworkAllowed: boolean): void {
    if (isNetworkAllowed || this.drive.place === 'local') return
    if (this.drive.place === 'network') throw networkDrive(this.#folder, this.drive)
    if (this.#isWarned) return
    this.#isWarned = true
    const { type } = this.drive
    process.emitWarning(
      `it is not known whether other machines write to the drive of ${this.#folder}` +
        `${type === '' ? '' : ` (${type})`}: appends take the lease. If they do, open the store with { network: true }`,
      { type: 'SessionStoreWarning', code: 'UNKNOWN_DRIVE' },
    )
  }

  close(): void {}
}

function networkDrive(dir: string, { type, source }: Drive): SessionError {
  const text =
    `${dir} lies on a network drive (${[type, source].filter((name) => name !== '').join(', ')}). Keep the store on a ` +
    'disk of this machine and give each session to one machine; or, if `jsonl-sessions check fs --peer` finds the ' +
    'drive fit, open the store with { network: true }, on the command line with --network, on every machine'
  return new SessionError('ERR_NETWORK_DRIVE', text, { dir, type, source })
}
