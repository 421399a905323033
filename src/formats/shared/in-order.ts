/** Work that must be done in the order of the source, though some of it waits for more. */
import type { Place } from './unit.js'

export interface Held {
  /** Nothing more is waited for. */
  close(): void
}

interface Entry {
  place: Place
  isReady: boolean
  run: () => void
}

export class InOrder {
  #entries: Entry[] = []
  #head = 0

  /** Does the work now, or when all that waits before it is done. */
  add(place: Place, run: () => void): void {
    if (this.#head === this.#entries.length) run()
    else this.#entries.push({ place, isReady: true, run })
  }

  /** Keeps a place for work that is done once the handle is closed. */
  hold(place: Place, run: () => void): Held {
    const entry = { place, isReady: false, run }
    this.#entries.push(entry)
    return {
      close: () => {
        entry.isReady = true
        this.#go()
      },
    }
  }

  /** Where the first thing stands that waits; undefined when nothing does. */
  get first(): Place | undefined {
    return this.#entries[this.#head]?.place
  }

  #go(): void {
    for (;;) {
      const entry = this.#entries[this.#head]
      if (entry === undefined || !entry.isReady) break
      this.#head++
      entry.run()
    }
    if (this.#head === this.#entries.length || this.#head > 1_000) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
  }
}
