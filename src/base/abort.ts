/** Waiting for what an `AbortSignal` may end. */
import { setMaxListeners } from 'node:events'

/**
 * Calls `listener` when the signal is aborted, until the returned function is called. Node warns of more than ten
 * listeners, and a bot passes the signal of its shutdown to all its calls.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {}
  try {
    setMaxListeners(0, signal)
  } catch {
    // a signal of another implementation, such as jsdom's, has no maximum
  }
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

/** What the work resolves to; rejects with what the signal was aborted with, and the work goes on unseen. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    const forget = onAbort(signal, abort)
    if (signal.aborted) abort()
    work.then(resolve, reject).finally(forget)
  })
}
