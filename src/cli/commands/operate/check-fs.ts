import { resolve } from 'node:path'
import { checkDrive, type Drive, type DriveMeasurements, type DriveVerdict } from '../../../index.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { note, print } from '../../terminal/output.js'
import { checkFolderThere } from '../../user-files.js'
import type { GlobalOptions } from '../../with-store.js'

export interface CheckFsOptions extends GlobalOptions {
  peer?: boolean
  wait?: number
  json?: boolean
}

const WAIT_MS = 60_000

const VERDICTS: Record<DriveVerdict, string> = {
  local: 'local',
  network: 'network: use --network, on every machine',
  refuse: 'refuse: keep no store here',
}

/** Writes a folder of its own below the root, and takes it away. */
export async function checkFs({ root, peer = false, wait = WAIT_MS, json }: CheckFsOptions): Promise<number> {
  await checkFolderThere(root)
  if (peer)
    note(
      `waiting for the peer: run the same on the other machine, on the folder that is ${escapeLine(resolve(root))} here`,
    )
  const { drive, measured, verdict, reason } = await checkDrive(root, { peer, wait })
  if (json) await print(jsonLine({ drive, peer, measured, verdict, reason }))
  else
    for (const line of [...linesOf(measured), `verdict: ${VERDICTS[verdict]} (${reason}; ${named(drive)})`])
      await print(line)
  return verdict === 'refuse' ? 1 : 0
}

function named({ place, type, source }: Drive): string {
  const drive = [type, source].filter((name) => name !== '').join(' ')
  return escapeLine(drive === '' ? `the system does not name the drive` : `${place} by the mount table: ${drive}`)
}

function linesOf({ races, won, staleView, writeBuffer, watches, staleTries, stale }: DriveMeasurements): string[] {
  return [
    `mutual exclusion: ${won} of ${races} races had one winner`,
    `stale view: ${seconds(staleView)} until a synced write is seen`,
    `write buffer: ${seconds(writeBuffer)} until a write without a sync is seen`,
    `watch: events of the other peer ${watches ? 'arrive' : 'do not arrive'}`,
    `stale handles: ${stale} of ${staleTries} renames to a name that was used before`,
  ]
}

function seconds(ms: number | null): string {
  return ms === null ? 'more than 5 s' : `${(ms / 1_000).toFixed(2)} s`
}
