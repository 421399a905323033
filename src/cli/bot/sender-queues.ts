export interface SenderQueuesOptions<T> {
  /** How many senders may be served at once. */
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
 * Runs the tasks of one sender strictly one after the other, in the order added; those of different senders side by
 * side, each sender in turn. `add` waits while too much is queued.
 */
export class SenderQueues<T> {
  readonly #options: SenderQueuesOptions<T>
  /** Tasks that wait, by sender. A sender whose task runs has an entry too, perhaps an empty one. */
  readonly #queues = new Map<string, Waiting<T>[]>()
  /** Senders with a waiting task and none running, in the order in which they are served. */
  readonly #ready = new Set<string>()
  #running = 0
  #waiting = 0
  #bytes = 0
  #stopped = false
  #failure: { error: unknown } | undefined
  #changed: (() => void)[] = []

  constructor(options: SenderQueuesOptions<T>) {
    this.#options = options
  }

  /** How many tasks run now. */
  get running(): number {
    return this.#running
  }

  /** Adds a task; false when the queues were stopped and it will not run. */
  async add(sender: string, task: T, bytes = 0): Promise<boolean> {
    while (!this.#stopped && this.#full(bytes)) await this.#change()
    if (this.#failure) throw this.#failure.error
    if (this.#stopped) return false
    const queue = this.#queues.get(sender)
    if (queue) queue.push({ task, bytes })
    else {
      this.#queues.set(sender, [{ task, bytes }])
      this.#ready.add(sender)
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

  /** Lets running tasks finish and drops the waiting ones; returns how many were dropped. */
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
    for (const sender of this.#ready) {
      if (this.#running >= this.#options.concurrency) return
      this.#ready.delete(sender)
      void this.#run(sender)
    }
  }

  async #run(sender: string): Promise<void> {
    const queue = this.#queues.get(sender)!
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
    if (queue.length === 0) this.#queues.delete(sender)
    else this.#ready.add(sender)
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
