/** What a crash left of one session: a run whose owner is gone, and a conversation cut off in the middle. */

import { sleep } from '../base/event-loop.js'
import { livenessOf, type Owner } from '../disk/process-identity.js'
import { BEAT_MS } from '../disk/runs/folder-runs.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import { Ending } from '../log/context.js'
import { activeMessages } from '../log/context-order.js'
import type { StoreContext } from '../session/context.js'
import type { SessionLog } from '../session/log/session-log.js'
import { liveBackwards } from '../session/read/read-backwards.js'
import type { CrashedRun, CrashReason } from '../session/reports.js'
import { ownerOf } from '../session/state/run-state.js'

/** The next sign of life would have come by then, ms. */
const NEXT_BEAT_MS = BEAT_MS + 1_000

/**
 * Judges runs. Dead owners are seen at once; a silence is only believed when it lasts while this process waits for the
 * next sign of life, since the clock may just have been set.
 */
export class Judge {
  readonly #context: StoreContext
  readonly #silentAfterMs: number
  /** The last sign of life of owners that are given up. */
  readonly #given = new Map<string, number>()

  constructor(context: StoreContext, silentAfterMs = Number.POSITIVE_INFINITY) {
    this.#context = context
    this.#silentAfterMs = silentAfterMs
  }

  /** Why a run is over, as far as this is known; undefined while it may go on. */
  reasonFor(run: Run | null | undefined): CrashReason | undefined {
    return run?.state === 'running' ? this.reasonAgainst(run.owner) : undefined
  }

  /** Why nothing that this owner has begun goes on. */
  reasonAgainst(owner: Owner): CrashReason | undefined {
    const liveness = livenessOf(owner)
    if (liveness === 'dead') return 'owner-dead'
    if (liveness === 'alive') return undefined
    const given = this.#given.get(nameOf(owner))
    return given !== undefined && given === this.#context.runs.heardOf(owner) ? 'heartbeat-lost' : undefined
  }

  /** Finds the owners of these runs that cannot be seen and have fallen silent. May take a few seconds. */
  async listen(runs: readonly Run[]): Promise<void> {
    const now = this.#context.runs
    const silent = runs.flatMap(({ owner }) => {
      const isSilent = livenessOf(owner) === 'unknown' && (now.silenceOf(owner) ?? 0) > this.#silentAfterMs
      return isSilent ? { owner, heard: now.heardOf(owner) } : []
    })
    if (silent.length === 0) return
    await sleep(NEXT_BEAT_MS)
    now.refresh()
    for (const { owner, heard } of silent) {
      if (heard !== undefined && now.heardOf(owner) === heard) this.#given.set(nameOf(owner), heard)
    }
  }
}

function nameOf({ host, boot, pidns, pid, start, instance }: Owner): string {
  return JSON.stringify([host, boot, pidns, pid, start, instance])
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
  const found = await log.reading(async (reader, { summary }) => {
    for await (const next of liveBackwards(reader, summary)) {
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
