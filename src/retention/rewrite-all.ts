/** Rewrites every log of a store. */
import { checkNames, checkSignal } from '../base/arguments.js'
import type { StoreInternals } from '../list/store-internals.js'
import { type RewriteResult, rewriteLog } from '../session/change/rewrite.js'

export interface RewriteAllResult {
  /** The sessions whose logs became others, by key. */
  rewritten: Array<RewriteResult & { key: string }>
  /** Sessions in which there was nothing to do. */
  untouched: number
  failed: Array<{ key: string; error: unknown }>
}

export async function rewriteSessions(
  store: StoreInternals,
  options: { signal?: AbortSignal } | undefined,
): Promise<RewriteAllResult> {
  const { signal } = checkNames('rewriteAll', options, ['signal'])
  checkSignal(signal)
  const all: RewriteAllResult = { rewritten: [], untouched: 0, failed: [] }
  for (const key of (await store.index.keys()).sort()) {
    signal?.throwIfAborted()
    try {
      const result = await rewriteLog(store.log(key), { signal })
      if (result === null) all.untouched++
      else all.rewritten.push({ key, ...result })
    } catch (error) {
      signal?.throwIfAborted()
      all.failed.push({ key, error })
    }
  }
  return all
}
