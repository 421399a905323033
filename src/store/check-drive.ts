/** Whether a folder lies on a drive that a store can use. */
import { checkBoolean, checkDuration, checkNames, checkText } from '../base/arguments.js'
import { lookAtDrive } from '../disk/drive/folder-drive.js'
import type { Drive } from '../disk/drive/mount-table.js'
import { probeAlone, probeWithPeer } from '../disk/drive/probe.js'
import { type Measured, type Verdict, verdictOf } from '../disk/drive/verdict.js'

export interface DriveCheckOptions {
  /** Measures with another machine, on which the same is called for the same folder at the same time. */
  peer?: boolean
  /** How long to wait for it, milliseconds; a minute by default. */
  wait?: number
}

export interface DriveCheck {
  /** The drive as the system names it. */
  drive: Drive
  measured: Measured
  /** `local`: a store as it is; `network`: one with `network: true` on every machine; `refuse`: none. */
  verdict: Verdict
  reason: string
}

/**
 * Looks at the drive of a folder that exists, and measures whether leases and appends of two machines are seen in time:
 * a folder is made in it and taken away again. Alone it takes some seconds, and can say less.
 * @throws TypeError, RangeError for wrong options; errors of the system, with code ETIMEDOUT where no peer came
 * @example
 * const { verdict, reason } = await checkDrive(dir)
 */
export async function checkDrive(dir: string, options?: DriveCheckOptions): Promise<DriveCheck> {
  checkText('dir', dir)
  const { peer = false, wait = 60_000 } = checkNames('checkDrive', options, ['peer', 'wait'])
  checkBoolean('peer', peer)
  checkDuration('wait', wait)
  const drive = lookAtDrive(dir)
  const measured = peer ? await probeWithPeer(dir, wait) : await probeAlone(dir)
  return { drive, measured, ...verdictOf(measured, drive, !peer) }
}
