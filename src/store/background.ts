/** What a store does on its own: sidecars of sessions that fell quiet, and the syncs of `everysec`. */

import { sleep, yieldToLoop } from '../base/event-loop.js'
import type { PendingLog } from '../session/context.js'
import type { Settings } from '../session/options.js'

/** A sidecar is written when its session has been quiet for this long, ms, … */
const QUIET_MS = 1_000
/** … or has been written to for this long. */
const OVERDUE_MS = 10_000
const TICK_MS = 250
/** After a sidecar that took a while nothing is written for this many times as long. */
const PAUSES = 9
const MAX_PAUSE_MS = 100
/** So many are written before the due ones are determined again. */
const BATCH = 64
const SYNC_MS = 1_000

interface Behind {
  since: number
  last: number
  /** The session was written to; else its log was only read. */
  isWritten: boolean
}

export class Background {
  readonly #settings: Settings
  readonly #tidy: (log: PendingLog) => Promise<boolean>
  readonly #behind = new Map<PendingLog, Behind>()
  readonly #unsynced = new Set<PendingLog>()
  #ticking: NodeJS.Timeout | undefined
  #syncing: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #closed = false

  /** `tidy` takes superseded lines out of a log where they are most of it, and returns whether it did. */
  constructor(settings: Settings, tidy: (log: PendingLog) => Promise<boolean>) {
    this.#settings = settings
    this.#tidy = tidy
  }

  noteBehind(log: PendingLog): void {
    // later writes of the session wait behind it
    if (log.values.isLookDue()) void this.#attempt(log, () => this.#tidy(log))
    const now = performance.now()
    this.#behind.set(log, { since: this.#behind.get(log)?.since ?? now, last: now, isWritten: true })
    this.#startTicking()
  }

  noteRead(log: PendingLog): void {
    if (this.#settings.readOnly || this.#behind.has(log)) return
    const now = performance.now()
    this.#behind.set(log, { since: now, last: now, isWritten: false })
    this.#startTicking()
  }

  #startTicking(): void {
    if (!this.#closed) this.#ticking ??= setInterval(() => this.#tick(), TICK_MS).unref()
  }

  noteCaughtUp(log: PendingLog): void {
    this.#behind.delete(log)
  }

  noteUnsynced(log: PendingLog): void {
    this.#unsynced.add(log)
    if (!this.#closed) this.#syncing ??= setTimeout(() => void this.#syncAll(), SYNC_MS).unref()
  }

  /** True when this log must stay cached. */
  needs(log: PendingLog): boolean {
    return this.#behind.has(log) || this.#unsynced.has(log)
  }

  #tick(): void {
    if (this.#running !== undefined) return
    const now = performance.now()
    const due = [...this.#behind].filter(
      ([log, { since, last }]) => now - (log.isRunning() ? since : last) > QUIET_MS || now - since > OVERDUE_MS,
    )
    // running sessions come first: operators watch them
    due.sort(([a], [b]) => Number(b.isRunning()) - Number(a.isRunning()))
    this.#running = this.#writeAll(due.slice(0, BATCH).map(([log]) => log)).finally(() => {
      this.#running = undefined
    })
    if (this.#behind.size > 0) return
    clearInterval(this.#ticking)
    this.#ticking = undefined
  }

  async #writeAll(logs: PendingLog[]): Promise<void> {
    for (const log of logs) {
      const isWritten = this.#behind.get(log)?.isWritten
      this.#behind.delete(log)
      const began = performance.now()
      // what was only read needs none: the next process reads it again
      if (!isWritten) await log.writeSidecar().catch(() => undefined)
      else await this.#attempt(log, () => this.#bringUp(log))
      const took = performance.now() - began
      // callers that wait for a result go first, not only when the event loop was held for long
      await yieldToLoop()
      if (!this.#closed) await sleep(Math.min(took * PAUSES, MAX_PAUSE_MS))
    }
  }

  async #bringUp(log: PendingLog): Promise<void> {
    await log.writeSidecar()
    if (await this.#tidy(log)) await log.writeSidecar()
  }

  async #syncAll(): Promise<void> {
    this.#syncing = undefined
    const logs = [...this.#unsynced]
    this.#unsynced.clear()
    await Promise.all(logs.map((log) => this.#attempt(log, () => log.file.sync())))
  }

  /** A failure here costs no message: it is reported, and the log still has everything. */
  async #attempt(log: PendingLog, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#settings.onError(error, log.key)
    }
  }

  /** Does at once what would have been done later, for good. */
  async finish(): Promise<void> {
    this.#closed = true
    clearInterval(this.#ticking)
    clearTimeout(this.#syncing)
    await this.#running
    await this.#writeAll([...this.#behind.keys()])
    await this.#syncAll()
  }
}
