/**
 * Watches which turns start and end, get stuck and are recovered. The only importer of chokidar.
 *
 * Only the run logs are watched, one for each process, however many sessions there are or run. Their events are hints
 * to read the new lines, which contain every turn. One timer checks whether the owners live, and scans everything
 * at times, so that no lost event matters.
 */
import { EventEmitter } from 'node:events'
import { onAbort } from '../base/abort.js'
import { inodeOf, isThere, makeFolder } from '../disk/folders.js'
import type { StoreContext } from '../session/context.js'
import { RunScanner } from './run-scanner.js'
import { EventReader, type WatchEvent, type WatchEvents } from './watch-events.js'
import { checkWatchOptions, type WatchOptions, type WatchSettings } from './watch-options.js'

/** How often the watcher checks whether owners live and turns run for too long, ms. */
const TICK_MS = 400
/** Hints that come within this time are one, ms. */
const GATHER_MS = 3

export class Watcher extends EventEmitter<WatchEvents> implements AsyncIterable<WatchEvent>, AsyncDisposable {
  /**
   * Resolves when the turns that run have been emitted; changes are noticed from then on. Never rejects: where the
   * file system reports no events, everything is scanned every `rescanMs`.
   */
  readonly ready: Promise<void>
  readonly #context: StoreContext
  readonly #settings: WatchSettings
  readonly #scanner: RunScanner
  readonly #timer: NodeJS.Timeout
  readonly #readers = new Set<EventReader>()
  #events: { inode: number | undefined; close(): Promise<void> } | undefined
  #gathering: NodeJS.Timeout | undefined
  #scanning: Promise<void> | undefined
  #isHinted = false
  #lastError = ''
  #forget = () => {}
  #closed: Promise<void> | undefined

  /** @internal Use `store.watch()`. */
  constructor(context: StoreContext, options: WatchOptions | undefined) {
    super()
    this.#settings = checkWatchOptions(options)
    this.#context = context
    this.#scanner = new RunScanner(context, this.#settings, (event) => this.#emitEvent(event))
    this.#timer = this.#unlessPersistent(setInterval(() => void this.#tick(), TICK_MS))
    this.ready = this.#start()
    const { signal } = this.#settings
    if (signal?.aborted) this.#abort()
    else this.#forget = onAbort(signal, this.#abort)
  }

  readonly #abort = (): void => void this.close()

  /** Ends the watching; resolves when all is released. */
  close(): Promise<void> {
    this.#closed ??= this.#closeNow()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #closeNow(): Promise<void> {
    this.#scanner.stop()
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    this.#forget()
    await this.ready
    await this.#scanning
    await this.#guard(() => this.#events?.close())
    this.#scanner.close()
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
    this.#call('close')
  }

  /** The events in order, from now on, until the watcher is closed or its signal aborted. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchEvent> {
    const reader = new EventReader((one) => this.#readers.delete(one))
    if (this.#closed === undefined) this.#readers.add(reader)
    else reader.end()
    return reader
  }

  async #start(): Promise<void> {
    // listeners are added right after the watcher was made
    await Promise.resolve()
    await this.#guard(() => this.#listen())
    await this.#scan(() => this.#scanner.scanAll())
  }

  /** True where run logs are read at every tick instead. */
  get #polls(): boolean {
    const { poll, persistent } = this.#settings
    // without `persistent` chokidar lets an error of the watch crash the process, and Windows is known to report some
    return poll || this.#context.isNetwork || (!persistent && process.platform === 'win32')
  }

  /** Waits for events of the run logs; again, when their folder was replaced. */
  async #listen(): Promise<void> {
    const { root, running } = this.#context.layout
    if (this.#polls || !isThere(root)) return
    makeFolder(running)
    const inode = inodeOf(running)
    if (inode === this.#events?.inode) return
    const former = this.#events
    this.#events = undefined
    await former?.close()
    const { watch } = await import('chokidar')
    if (this.#closed !== undefined) return
    const { persistent } = this.#settings
    const options = { persistent, ignoreInitial: true, followSymlinks: false, depth: 0 }
    const events = watch(running, options)
    this.#events = { inode, close: () => events.close() }
    events.on('raw', () => this.#hint())
    events.on('error', (error) => this.#reportError(error))
    await new Promise<void>((resolve) => events.once('ready', resolve).once('error', () => resolve()))
  }

  /** Schedules a scan: something may have changed. */
  #hint(): void {
    if (this.#closed !== undefined) return
    if (this.#scanning !== undefined) this.#isHinted = true
    else this.#gathering ??= this.#unlessPersistent(setTimeout(() => void this.#scan(), GATHER_MS))
  }

  async #tick(): Promise<void> {
    await this.#guard(() => this.#scanner.judgeAll())
    const now = performance.now()
    if (now - this.#scanner.lastScan < this.#settings.rescanMs) return this.#polls ? this.#scan() : undefined
    await this.#scanning
    await this.#scan(() => this.#scanner.scanAll())
    // a folder that has gone away may come back
    await this.#guard(() => this.#listen())
  }

  #scan(how = () => this.#scanner.scanRunLogs()): Promise<void> {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#scanning ??= this.#scanOnce(how).finally(() => {
      this.#scanning = undefined
      if (this.#isHinted) this.#hint()
      this.#isHinted = false
    })
    return this.#scanning
  }

  async #scanOnce(how: () => Promise<void>): Promise<void> {
    await this.#guard(async () => {
      await how()
      this.#lastError = ''
    })
  }

  #emitEvent(event: WatchEvent): void {
    for (const reader of this.#readers) reader.add(event)
    this.#call(event.type, event)
  }

  /** Calls every listener, also after one that throws. */
  #call(name: keyof WatchEvents, event?: unknown): void {
    const failed = (error: unknown) =>
      name === 'error' ? this.#context.settings.onError(error, '') : this.#reportError(error)
    for (const listener of this.rawListeners(name as 'error') as Array<(event: unknown) => unknown>) {
      try {
        const result = listener.call(this, event)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }

  /** Emits an error. The same code several times in a row is emitted once. */
  #reportError(error: unknown): void {
    const text = String((error as NodeJS.ErrnoException | undefined)?.code ?? error)
    if (text === this.#lastError) return
    this.#lastError = text
    if (this.listenerCount('error') > 0) this.#call('error', error)
    else this.#context.settings.onError(error, '')
  }

  /** An error in the background must not end the process. */
  async #guard(work: () => unknown): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#reportError(error)
    }
  }

  #unlessPersistent(timer: NodeJS.Timeout): NodeJS.Timeout {
    return this.#settings.persistent ? timer : timer.unref()
  }
}
