/** The sessions with a running turn, by the run logs: at the cost of the turns that run, not of what is stored. */

import { checkFolder } from '../disk/folders.js'
import { nameIn } from '../disk/given-names.js'
import type { Run } from '../disk/sidecar/sidecar-file.js'
import type { StoreInternals } from '../list/store-internals.js'
import type { SessionInfo } from '../session/info.js'
import type { SessionLog } from '../session/log/session-log.js'
import type { RunOwner } from '../session/reports.js'
import { ownerOf, runAge, runStateOf } from '../session/state/run-state.js'
import { readRun, reporter } from '../session/state/runs.js'

/** A session in state running. */
export interface RunningSession extends SessionInfo {
  owner: RunOwner
  /** For how long, ms. By the kernel's count where the clock was set meanwhile. */
  runningMs: number
}

/** Latest start first, ties by key. */
export async function runningSessions(store: StoreInternals): Promise<RunningSession[]> {
  const { context, index } = store
  // without it, a folder that cannot be reached would look like one in which nothing runs
  checkFolder(context.layout.root)
  const runs = new Map((await runsNow(store)).map(({ log, run }) => [log.key, run]))
  const now = reporter(context)
  const rows = (await index.named([...runs.keys()].map((key) => nameIn(context.layout, key)))).flatMap(({ info }) => {
    const run = runs.get(info.key)
    return run === undefined ? [] : [{ ...info, ...runStateOf(run), owner: ownerOf(run), runningMs: runAge(run, now) }]
  })
  return rows.sort((a, b) => startOf(b) - startOf(a) || (a.key < b.key ? -1 : 1))
}

function startOf({ turnStartedAt }: SessionInfo): number {
  return turnStartedAt?.getTime() ?? 0
}

/** The sessions that run. One of which the log or the sidecar cannot be read is reported to `onError` and left out. */
export async function runsNow(store: StoreInternals): Promise<Array<{ log: SessionLog; run: Run }>> {
  const { runs, settings } = store.context
  runs.refresh()
  const found: Array<{ log: SessionLog; run: Run }> = []
  for (const key of runs.runningKeys()) {
    try {
      const log = store.log(key)
      const state = await log.current()
      // the run logs name it: a sidecar that cannot be read may say that it runs
      const run = state && readRun(log, state.summary, (error) => settings.onError(error, key))
      if (run?.state === 'running') found.push({ log, run })
    } catch (error) {
      settings.onError(error, key)
    }
  }
  return found
}
