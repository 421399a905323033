/** The events of a watcher. */
import type { StuckReason } from '../disk/sidecar/sidecar-file.js'
import type { RunOwner } from '../session/reports.js'

interface RunEvent {
  key: string
  turnId: string | null
  /** When the turn began. */
  since: Date
  /** For how long it has been going on, ms. */
  runningMs: number
  owner: RunOwner
}

/** A turn began, or was found to run when the watching began. */
export interface StartedEvent extends RunEvent {
  type: 'started'
}

/** A turn ended. `running`: a later turn runs in the session; `gone`: the session was deleted or cleaned up. */
export interface FinishedEvent extends RunEvent {
  type: 'finished'
  state: 'idle' | 'error' | 'running' | 'gone'
}

/** A turn runs for too long, or no process is left to end it. Emitted once for each reason. */
export interface StuckEvent extends RunEvent {
  type: 'stuck'
  reason: StuckReason
}

/** A turn that was stuck for this reason was ended by `recover`. */
export interface RecoveredEvent extends RunEvent {
  type: 'recovered'
  reason: StuckReason
  state: 'idle' | 'error'
}

export type WatchEvent = StartedEvent | FinishedEvent | StuckEvent | RecoveredEvent

/** The events of a watcher and their arguments. */
export interface WatchEvents {
  started: [StartedEvent]
  finished: [FinishedEvent]
  stuck: [StuckEvent]
  recovered: [RecoveredEvent]
  /** What went wrong in the background, listeners that threw included. The watching goes on. */
  error: [unknown]
  /** The last event of all. */
  close: []
}

/** One `for await` over the events. */
export class EventReader implements AsyncIterableIterator<WatchEvent> {
  readonly #events: WatchEvent[] = []
  readonly #waiting: Array<(result: IteratorResult<WatchEvent>) => void> = []
  readonly #forget: (reader: EventReader) => void
  #isEnded = false

  constructor(forget: (reader: EventReader) => void) {
    this.#forget = forget
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  add(event: WatchEvent): void {
    const resolve = this.#waiting.shift()
    if (resolve === undefined) this.#events.push(event)
    else resolve({ value: event, done: false })
  }

  /** Events that came before can still be read. */
  end(): void {
    this.#isEnded = true
    for (const resolve of this.#waiting.splice(0)) resolve({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const value = this.#events.shift()
    if (value !== undefined) return Promise.resolve({ value, done: false })
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#events.length = 0
    this.end()
    this.#forget(this)
    return Promise.resolve({ value: undefined, done: true })
  }
}
