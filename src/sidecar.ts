/** The sidecar of one session: written at once when the run state changes, else when the session falls quiet. */
import type { Known } from './catch-up.js'
import { checkVersion } from './decision.js'
import { look } from './disk/files.js'
import { thisProcess } from './disk/owner.js'
import { loadReplace } from './disk/replace.js'
import { hashOf, type Run, type RunName, readSidecar, writeSidecar } from './disk/sidecar-file.js'
import { SessionError } from './errors.js'
import type { Summary } from './log/fold.js'
import { isoTime } from './log/parse.js'
import { nextRun } from './run-state.js'
import type { SessionLog } from './session-log.js'

/** The run state that the sidecar claims; null when it never was set, or was set for an earlier log of this key. */
export function readRun(log: SessionLog, summary: Summary): Run | null {
  const sidecar = readSidecar(log.sidecarPath)?.sidecar
  const isOfThisLog = sidecar?.key === log.key && sidecar.session === (summary.header?.id ?? null)
  return isOfThisLog ? sidecar.run : null
}

/** Records a change of the run state, creating the session if need be. No line of the log changes. */
export async function setRun(log: SessionLog, state: RunName, turnId: string | null): Promise<void> {
  log.context.checkOpen()
  await loadReplace()
  await log.hold(async () => {
    const change = (run: Run | null) => nextRun(run, state, turnId, isoTime(log.context.clock.now()), thisProcess())
    let known = await log.forWriting()
    while (known === undefined) {
      const blank = { key: log.key, run: change(null), watermark: null, summary: null }
      if (log.create([], undefined, (session) => writeSidecar(log.sidecarPath, { ...blank, session }))) return
      known = await log.forWriting()
    }
    checkVersion(known.summary, log.file.path)
    const next = change(readRun(log, known.summary))
    if (next !== null) write(log, known, next)
  })
}

/** Brings the sidecar up to the log. */
export async function writeBehind(log: SessionLog): Promise<void> {
  if (look(log.file.path) === undefined) return
  await loadReplace()
  const work = async () => {
    const known = await log.known()
    if (known !== undefined) write(log, known, readRun(log, known.summary))
  }
  try {
    await log.hold(work, 0)
  } catch (error) {
    // another process is writing to the session: its sidecar will say what ours would have said
    if (!(error instanceof SessionError && error.code === 'ERR_LOCKED')) throw error
  }
}

function write(log: SessionLog, known: Known, run: Run | null): void {
  const { summary, mark, print, partial } = known
  const whole = !partial && !known.open && known.torn === null
  writeSidecar(log.sidecarPath, {
    key: log.key,
    session: summary.header?.id ?? null,
    run,
    watermark: whole ? { ...mark, print: { length: print.length, hash: hashOf(print) } } : null,
    summary: whole ? summary : null,
  })
}
