/**
 * Watching what runs, which turns get stuck and which are recovered. This is chokidar's door.
 *
 * Only the run logs are watched, one for each process, however many sessions there are or run. Their events are hints
 * to read what they grew by, which has every turn in it. One timer asks whether the owners live, and looks at everything
 * now and then, so that nothing depends on an event that is lost.
 */
import { EventEmitter } from 'node:events'
import { inodeOf, isThere } from '../disk/folders.js'
import { makeRunFolder } from '../disk/runs/run-log.js'
import type { StoreContext } from '../session/context.js'
import { Lookout } from './run-scanner.js'
import { EventReader, type WatchEvent, type WatchEvents } from './watch-events.js'
import { checkWatchOptions, type WatchOptions, type WatchSettings } from './watch-options.js'

/** How often owners are asked whether they live, and turns whether they run for too long, ms. */
const TICK_MS = 400
/** Hints that come within this time are one, ms. */
const GATHER_MS = 3

export class Watcher extends EventEmitter<WatchEvents> implements AsyncIterable<WatchEvent>, AsyncDisposable {
  /**
   * Resolves when the turns that run have been told and changes are noticed from then on. Never rejects: where the
   * file system gives no events, everything is looked at as often as `rescanMs` says.
   */
  readonly ready: Promise<void>
  readonly #context: StoreContext
  readonly #settings: WatchSettings
  readonly #lookout: Lookout
  readonly #timer: NodeJS.Timeout
  readonly #readers = new Set<EventReader>()
  #events: { inode: number | undefined; close(): Promise<void> } | undefined
  #gathering: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isHinted = false
  #lastComplaint = ''
  #closed: Promise<void> | undefined

  /** @internal Use `store.watch()`. */
  constructor(context: StoreContext, options: WatchOptions | undefined) {
    super()
    this.#settings = checkWatchOptions(options)
    this.#context = context
    this.#lookout = new Lookout(context, this.#settings, (event) => this.#tell(event))
    this.#timer = this.#unlessPersistent(setInterval(() => void this.#tick(), TICK_MS))
    this.ready = this.#start()
    const { signal } = this.#settings
    if (signal?.aborted) this.#abort()
    else signal?.addEventListener('abort', this.#abort, { once: true })
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
    this.#lookout.stop()
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    this.#settings.signal?.removeEventListener('abort', this.#abort)
    await this.ready
    await this.#looking
    await this.#guard(() => this.#events?.close())
    this.#lookout.close()
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
    await this.#look(() => this.#lookout.lookAtAll())
  }

  /** True where run logs are looked at with every tick instead. */
  get #polls(): boolean {
    const { poll, persistent } = this.#settings
    // without `persistent` chokidar lets an error of the watch crash the process, and Windows is known to give some
    return poll || (!persistent && process.platform === 'win32')
  }

  /** Waits for events of the run logs; again, when their folder is another one by now. */
  async #listen(): Promise<void> {
    const { root, running } = this.#context.layout
    if (this.#polls || !isThere(root)) return
    makeRunFolder(running)
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
    events.on('error', (error) => this.#complain(error))
    await new Promise<void>((resolve) => events.once('ready', resolve).once('error', () => resolve()))
  }

  /** Something may have changed. */
  #hint(): void {
    if (this.#closed !== undefined) return
    if (this.#looking !== undefined) this.#isHinted = true
    else this.#gathering ??= this.#unlessPersistent(setTimeout(() => void this.#look(), GATHER_MS))
  }

  async #tick(): Promise<void> {
    await this.#guard(() => this.#lookout.judgeAll())
    const now = performance.now()
    if (now - this.#lookout.lastScan < this.#settings.rescanMs) return this.#polls ? this.#look() : undefined
    await this.#looking
    await this.#look(() => this.#lookout.lookAtAll())
    // a folder that has gone away may come back
    await this.#guard(() => this.#listen())
  }

  #look(how = () => this.#lookout.lookAtLines()): Promise<void> {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#looking ??= this.#lookOnce(how).finally(() => {
      this.#looking = undefined
      if (this.#isHinted) this.#hint()
      this.#isHinted = false
    })
    return this.#looking
  }

  async #lookOnce(how: () => Promise<void>): Promise<void> {
    await this.#guard(async () => {
      await how()
      this.#lastComplaint = ''
    })
  }

  #tell(event: WatchEvent): void {
    for (const reader of this.#readers) reader.add(event)
    this.#call(event.type, event)
  }

  /** Calls every listener, whatever the ones before did. */
  #call(name: keyof WatchEvents, event?: unknown): void {
    const failed = (error: unknown) =>
      name === 'error' ? this.#context.settings.onError(error, '') : this.#complain(error)
    for (const listener of this.rawListeners(name as 'error') as Array<(event: unknown) => unknown>) {
      try {
        const result = listener.call(this, event)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }

  /** Tells what went wrong. The same trouble again and again is told once. */
  #complain(error: unknown): void {
    const text = String((error as NodeJS.ErrnoException | undefined)?.code ?? error)
    if (text === this.#lastComplaint) return
    this.#lastComplaint = text
    if (this.listenerCount('error') > 0) this.#call('error', error)
    else this.#context.settings.onError(error, '')
  }

  /** Nothing that goes wrong in the background may end the process. */
  async #guard(work: () => unknown): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#complain(error)
    }
  }

  #unlessPersistent(timer: NodeJS.Timeout): NodeJS.Timeout {
    return this.#settings.persistent ? timer : timer.unref()
  }
}
