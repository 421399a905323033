import { resolve } from 'node:path'
import { lookAtDrive } from '../../../disk/drive/folder-drive.js'
import type { Drive } from '../../../disk/drive/mount-table.js'
import { probeAlone, probeWithPeer } from '../../../disk/drive/probe.js'
import { linesOf, type Verdict, verdictOf } from '../../../disk/drive/verdict.js'
import { escapeLine } from '../../terminal/escape.js'
import { note, print } from '../../terminal/output.js'
import { checkThere } from '../../user-files.js'
import type { GlobalOptions } from '../../with-store.js'

export interface CheckFsOptions extends GlobalOptions {
  peer?: boolean
  wait: number
  json?: boolean
}

const VERDICTS: Record<Verdict, string> = {
  local: 'local',
  network: 'network: use --network, on every machine',
  refuse: 'refuse: keep no store here',
}

/** Writes a folder of its own below the root, and takes it away. */
export async function checkFs({ root, peer = false, wait, json }: CheckFsOptions): Promise<number> {
  await checkThere(root)
  const drive = lookAtDrive(root)
  if (peer)
    note(
      `waiting for the peer: run the same on the other machine, on the folder that is ${escapeLine(resolve(root))} here`,
    )
  const measured = peer ? await probeWithPeer(root, wait) : await probeAlone(root)
  const { verdict, reason } = verdictOf(measured, drive, !peer)
  if (json) await print(JSON.stringify({ drive, peer, measured, verdict, reason }))
  else
    for (const line of [...linesOf(measured), `verdict: ${VERDICTS[verdict]} (${reason}; ${named(drive)})`])
      await print(line)
  return verdict === 'refuse' ? 1 : 0
}

function named({ place, type, source }: Drive): string {
  const drive = [type, source].filter((name) => name !== '').join(' ')
  return escapeLine(drive === '' ? `the system does not name the drive` : `${place} by the mount table: ${drive}`)
}
