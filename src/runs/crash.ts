/** What a crash left of one session: a run whose owner is gone, and a conversation cut off in the middle. */

import { sleep } from '../base/event-loop.js'
import { livenessOf } from '../disk/process-identity.js'
import { BEAT_MS, heardOf, heartbeatFile, silenceOf } from '../disk/runs/heartbeat.js'
import type { Run } from '../disk/sidecar-file.js'
import { Ending } from '../log/context.js'
import { activeMessages } from '../log/context-order.js'
import type { StoreContext } from '../session/context.js'
import { liveBackwards } from '../session/read-backwards.js'
import type { CrashedRun, CrashReason } from '../session/reports.js'
import { ownerOf } from '../session/run-state.js'
import type { SessionLog } from '../session/session-log.js'

/** A run of an owner that was never heard of is over after this time, ms: it may be one of a version without heartbeats. */
const UNHEARD_RUN_MS = 24 * 3_600_000
/** The next beat would have come by then, ms. */
const NEXT_BEAT_MS = BEAT_MS + 1_000

/**
 * Judges runs. Dead owners are seen at once; a silence is only believed when it lasts while this process waits for the
 * next beat, since the clock may just have been set.
 */
export class Judge {
  readonly #context: StoreContext
  readonly #silentAfterMs: number
  /** The last beat of processes that are given up, by the file of their heartbeat. */
  readonly #given = new Map<string, number | undefined>()

  constructor(context: StoreContext, silentAfterMs = Number.POSITIVE_INFINITY) {
    this.#context = context
    this.#silentAfterMs = silentAfterMs
  }

  /** Why a run is over, as far as this is known; undefined while it may go on. */
  reasonFor(run: Run | null | undefined): CrashReason | undefined {
    if (run?.state !== 'running') return undefined
    const liveness = livenessOf(run.owner)
    if (liveness === 'dead') return 'owner-dead'
    if (liveness === 'alive') return undefined
    const file = heartbeatFile(this.#context.layout, run.owner)
    const isGivenUp = this.#given.has(file) && this.#given.get(file) === heardOf(this.#context.layout, run.owner)
    return isGivenUp ? 'heartbeat-lost' : undefined
  }

  /** Finds out which owners of these runs, among those that cannot be seen, have fallen silent. May take a few seconds. */
  async listen(runs: readonly Run[]): Promise<void> {
    const { layout } = this.#context
    const silent = runs.filter((run) => livenessOf(run.owner) === 'unknown' && this.#seemsSilent(run))
    if (silent.length === 0) return
    const heard = silent.map(({ owner }) => heardOf(layout, owner))
    await sleep(NEXT_BEAT_MS)
    silent.forEach(({ owner }, i) => {
      if (heardOf(layout, owner) === heard[i]) this.#given.set(heartbeatFile(layout, owner), heard[i])
    })
  }

  #seemsSilent(run: Run): boolean {
    const { layout, clock } = this.#context
    const silence = silenceOf(layout, run.owner)
    if (silence !== undefined) return silence > this.#silentAfterMs
    return this.#silentAfterMs < Number.POSITIVE_INFINITY && clock.now() - Date.parse(run.since) > UNHEARD_RUN_MS
  }
}

export async function describeCrash(log: SessionLog, run: Run, reason: CrashReason): Promise<CrashedRun> {
  const { unanswered, openToolCalls } = await endingOf(log)
  const { turnId, since } = run
  const facts = { key: log.key, turnId, since: new Date(since), owner: ownerOf(run), reason }
  return { ...facts, unanswered, openToolCalls, ended: null }
}

/** How the conversation ends. */
async function endingOf(log: SessionLog): Promise<Ending> {
  const ending = new Ending()
  const found = await log.reading((reader, { summary }) => {
    for (const next of liveBackwards(reader, summary)) {
      if (next === 'unclear') return next
      if (!next.archived && ending.ask(next.line)) return 'clear'
      if (next.archivedBefore) return 'clear'
    }
    return 'clear'
  })
  if (found !== 'unclear') return ending
  const whole = await log.whole()
  const again = new Ending()
  for (const line of whole === undefined ? [] : activeMessages(whole.pieces, whole.visibility).messages.reverse()) {
    if (again.ask(line)) break
  }
  return again
}
