/** Calls of several steps on one key, one after another in call order; those on other keys run beside them. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** When all calls so far have ended, however they did. */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values())
  }

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work, work)
    const settled = done.catch(() => {})
    this.#last.set(key, settled)
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    })
    return done
  }
}
