/** Keeping all sessions of a store from being written to. */
import { checkWait, type WaitOptions } from '../base/arguments.js'
import type { StoreInternals } from '../list/store-internals.js'

/** Runs `work` with the leases of all sessions that are there. @throws SessionError ERR_LOCKED */
export async function holdAll<T>(
  store: StoreInternals,
  work: () => T | Promise<T>,
  options: WaitOptions | undefined,
): Promise<T> {
  if (typeof work !== 'function') throw new TypeError('hold needs a function')
  const signal = checkWait('hold', options)
  // every process takes them in this order, so that two that hold everything cannot wait for each other
  const keys = (await store.index.keys()).sort((a, b) => (a < b ? -1 : 1))
  return holding(store, keys, async () => work(), signal)
}

async function holding<T>(
  store: StoreInternals,
  [key, ...rest]: readonly string[],
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (key === undefined) return work()
  return store.log(key).holdAgainstAppends(() => holding(store, rest, work, signal), { signal })
}
