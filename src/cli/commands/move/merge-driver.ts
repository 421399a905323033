import { mergeLogs } from '../../../index.js'
import { escapeLine } from '../../terminal/escape.js'
import { note, PROGRAM } from '../../terminal/output.js'
import { readWhole, replaceWhole } from '../../user-files.js'

export interface DriverFiles {
  base: string
  ours: string
  theirs: string
  path: string | undefined
}

/**
 * Leaves the merged log in `ours`. Exit code 0; when that fails, 1 (from the caller that catches the error), and git
 * keeps our version and calls it a conflict. Nothing but whole logs is ever written.
 */
export async function mergeDriver({ base, ours, theirs, path = ours }: DriverFiles): Promise<number> {
  const [former, left, right] = await Promise.all([base, ours, theirs].map((file) => readWhole(file)))
  const { bytes, report } = mergeLogs(former as Buffer, left as Buffer, right as Buffer)
  await replaceWhole(ours, bytes)
  for (const id of report.contradictions) {
    note(`${PROGRAM}: ${escapeLine(path)}: id ${escapeLine(id)} has different content on the two sides, both are kept`)
  }
  return 0
}
