/** Removes superseded lines that set names and labels from a log, before they are most of it. */
import { SessionError } from '../../base/errors.js'
import type { Summary } from '../../log/fold.js'
import { rewriteHeld } from '../change/rewrite.js'
import type { SessionLog } from '../log/session-log.js'

/** So many superseded bytes are left in peace. */
const SLACK_BYTES = 256 * 1024

/**
 * Drops superseded lines, and only these, where they are more than all others; returns whether it did. It leaves the
 * log alone while another process writes.
 */
export async function tidy(log: SessionLog): Promise<boolean> {
  const seen = log.lastRead()
  if (seen !== undefined && !seen.partial && !mayBeDue(seen.summary)) return false
  try {
    return await log.hold(() => tidyHeld(log), { timeout: 0 })
  } catch (error) {
    if (error instanceof SessionError && error.code === 'ERR_LOCKED') return false
    throw error
  }
}

async function tidyHeld(log: SessionLog): Promise<boolean> {
  const state = await log.current()
  if (state === undefined || state.torn !== null || !mayBeDue(state.summary)) return false
  await log.reading((reader, { summary }) => log.values.readAll(reader, summary))
  const superseded = log.values.supersededAt(state.mark, log.context.clock.now())
  if (superseded === undefined || !isDue(superseded, state.mark.size)) return false
  return (await rewriteHeld(log, () => ({ tidies: true }))) !== null
}

/** False where not even all lines that set something would be enough, and where the file's time stands for others. */
function mayBeDue({ valueBytes, metaBytes, bytes, undated }: Summary): boolean {
  return !undated && isDue(valueBytes + metaBytes, bytes)
}

function isDue(superseded: number, bytes: number): boolean {
  return superseded > bytes - superseded + SLACK_BYTES
}
