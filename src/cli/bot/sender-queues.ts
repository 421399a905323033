export interface LanesOptions<T> {
  /** How many lanes may be busy at once. */
  concurrency: number
  /** How many tasks may wait. */
  waiting: number
  /** How many bytes they may hold together; one task may always wait. */
  bytes: number
  run: (task: T) => Promise<void>
}

interface Waiting<T> {
  task: T
  bytes: number
}

/**
 * Runs tasks in lanes: those of one lane strictly one after the other, in the order given; different lanes side by
 * side, each in turn. `add` holds its caller back while too much is waiting.
 */
export class Lanes<T> {
  readonly #options: LanesOptions<T>
  /** Tasks that wait, by lane. A lane that runs a task has an entry too, perhaps an empty one. */
  readonly #queues = new Map<string, Waiting<T>[]>()
  /** Lanes with a waiting task and none running, in the order in which they get their turn. */
  readonly #ready = new Set<string>()
  #running = 0
  #waiting = 0
  #bytes = 0
  #stopped = false
  #failure: { error: unknown } | undefined
  #changed: (() => void)[] = []

  constructor(options: LanesOptions<T>) {
    this.#options = options
  }

  /** How many tasks run now. */
  get running(): number {
    return this.#running
  }

  /** Hands a task over; false when the lanes were stopped and it will not run. */
  async add(lane: string, task: T, bytes = 0): Promise<boolean> {
    while (!this.#stopped && this.#full(bytes)) await this.#change()
    if (this.#failure) throw this.#failure.error
    if (this.#stopped) return false
    const queue = this.#queues.get(lane)
    if (queue) queue.push({ task, bytes })
    else {
      this.#queues.set(lane, [{ task, bytes }])
      this.#ready.add(lane)
    }
    this.#waiting++
    this.#bytes += bytes
    this.#next()
    return true
  }

  /** Resolves when nothing runs or waits; rejects with what `run` threw, if it ever did. */
  async idle(): Promise<void> {
    while (this.#running > 0 || this.#waiting > 0) await this.#change()
    if (this.#failure) throw this.#failure.error
  }

  /** Lets what runs finish and forgets what waits; answers how many tasks that were. */
  stop(): number {
    const dropped = this.#waiting
    this.#stopped = true
    this.#waiting = 0
    this.#bytes = 0
    this.#ready.clear()
    for (const queue of this.#queues.values()) queue.length = 0
    this.#notify()
    return dropped
  }

  #full(bytes: number): boolean {
    const { waiting, bytes: limit } = this.#options
    return this.#waiting >= waiting || (this.#waiting > 0 && this.#bytes + bytes > limit)
  }

  #next(): void {
    for (const lane of this.#ready) {
      if (this.#running >= this.#options.concurrency) return
      this.#ready.delete(lane)
      void this.#run(lane)
    }
  }

  async #run(lane: string): Promise<void> {
    const queue = this.#queues.get(lane)!
    const { task, bytes } = queue.shift()!
    this.#waiting--
    this.#bytes -= bytes
    this.#running++
    try {
      await this.#options.run(task)
    } catch (error) {
      this.#failure ??= { error }
      this.stop()
    }
    this.#running--
    if (queue.length === 0) this.#queues.delete(lane)
    else this.#ready.add(lane)
    this.#next()
    this.#notify()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve))
  }

  #notify(): void {
    const waiters = this.#changed
    this.#changed = []
    for (const wake of waiters) wake()
  }
}
