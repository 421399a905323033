import { constants } from 'node:os'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** As shells report it: 130, 143, 129. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal]
}

/** One Ctrl-C can arrive twice, from the terminal and passed on by npm. A person takes longer than this. */
const SAME_MS = 250

/** Calls `stop` on the first signal and ends the process at once on the second. Returns a function that undoes it. */
export function onInterrupt(stop: (signal: StopSignal) => void): () => void {
  let stopping: number | undefined
  const listener = (signal: StopSignal) => {
    if (stopping === undefined) {
      stopping = performance.now()
      stop(signal)
    } else if (performance.now() - stopping > SAME_MS) process.exit(exitCodeOf(signal))
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener)
  }
}
