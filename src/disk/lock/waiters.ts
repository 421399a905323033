/** Who waits for a lease. */
import { waitedFor } from './lock-folder.js'

/** One look is good for all leases of a moment, ms. */
const LOOK_MS = 5

const looks = new Map<string, { at: number; names: Map<string, number> }>()

/** For which leases how many wait in a folder. */
export function waitersIn(folder: string): Map<string, number> {
  const now = performance.now()
  const former = looks.get(folder)
  if (former !== undefined && now - former.at < LOOK_MS) return former.names
  const names = waitedFor(folder)
  looks.set(folder, { at: now, names })
  return names
}

/** A timer must not throw: a folder that cannot be read now is looked at again at the next sweep. */
export function waitersOrNone(folder: string): Map<string, number> {
  try {
    return waitersIn(folder)
  } catch {
    return new Map()
  }
}
