/** Listeners for signals that a package adds while it is loaded. */

/**
 * Puts them before the existing listeners. An exit hook that ends the process where nothing else listens would not
 * count a listener of `process.once` that was called just before it, and cut it off.
 */
export async function listeningFirst<T>(load: () => Promise<T>): Promise<T> {
  const before = new Map(signals().map((signal) => [signal, new Set(process.listeners(signal))]))
  const loaded = await load()
  for (const signal of signals()) {
    const there = before.get(signal)
    for (const listener of process.listeners(signal)) {
      if (there?.has(listener)) continue
      process.removeListener(signal, listener)
      process.prependListener(signal, listener)
      // Node ignores this one, so that a write above the size limit of a file is an error; the hook would end the process
      if (signal === 'SIGXFSZ' && !process.listeners(signal).includes(ignore)) process.on(signal, ignore)
    }
  }
  return loaded
}

function ignore(): void {}

function signals(): NodeJS.Signals[] {
  return process.eventNames().filter((name): name is NodeJS.Signals => String(name).startsWith('SIG'))
}
