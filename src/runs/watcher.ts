/**
 * Watching what runs, which turns get stuck and which are recovered. This is chokidar's door.
 *
 * Only one file is watched, which is touched with every change of a run state, however many sessions there are or
 * run. Its events are hints to look at the markers and sidecars. One timer asks whether the owners live, and looks at
 * everything now and then, so that nothing depends on an event that is lost.
 */
import { EventEmitter } from 'node:events'
import { look } from '../disk/files.js'
import { hangBell } from '../disk/runs/markers.js'
import type { StoreContext } from '../session/context.js'
import { tellError } from '../session/options.js'
import { Lookout } from './run-scanner.js'
import { EventReader, type WatchEvent, type WatchEvents } from './watch-events.js'
import { checkWatchOptions, type WatchOptions, type WatchSettings } from './watch-options.js'

/** How often owners are asked whether they live, and turns whether they run for too long, ms. */
const TICK_MS = 400
/** Hints that come within this time are one, ms. */
const GATHER_MS = 3
/** A marker comes before its sidecar: it is looked at again so often, at growing distances. */
const MAX_RETRIES = 8
const RETRY_MS = 10
const POLL_MS = 400

export class Watcher extends EventEmitter<WatchEvents> implements AsyncIterable<WatchEvent> {
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
  /** How often a marked session has been found not to run. */
  readonly #retries = new Map<string, number>()
  #events: { inode: number; close(): Promise<void> } | undefined
  #gathering: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isHinted = false
  #lookAgainAt = Number.POSITIVE_INFINITY
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

  async #closeNow(): Promise<void> {
    this.#lookout.stop()
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    this.#settings.signal?.removeEventListener('abort', this.#abort)
    await this.ready
    await this.#looking
    await this.#guard(() => this.#events?.close())
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
    await this.#look()
  }

  /** Waits for events of the one file that tells of changes; again, when it is another file by now. */
  async #listen(): Promise<void> {
    const bell = hangBell(this.#context.layout)
    const stat = look(bell)
    if (stat === undefined || stat === 'other' || stat.ino === this.#events?.inode) return
    const former = this.#events
    this.#events = undefined
    await former?.close()
    const { watch } = await import('chokidar')
    if (this.#closed !== undefined) return
    const { poll, persistent } = this.#settings
    // without `persistent` chokidar lets an error of the watch crash the process, and Windows is known to give some
    const usePolling = poll || (!persistent && process.platform === 'win32')
    const options = { persistent, usePolling, interval: POLL_MS, ignoreInitial: true, followSymlinks: false }
    const events = watch(bell, options)
    this.#events = { inode: stat.ino, close: () => events.close() }
    events.on('raw', () => this.#hint())
    events.on('error', (error) => this.#complain(error))
    await new Promise<void>((resolve) => events.once('ready', resolve).once('error', () => resolve()))
    // what changes before the first answer of the file system is no change to a watcher that polls
    if (usePolling) this.#lookAgainAt = performance.now() + 2 * POLL_MS
  }

  /** Something may have changed. */
  #hint(delay = GATHER_MS): void {
    if (this.#closed !== undefined) return
    if (this.#looking !== undefined) this.#isHinted = true
    else this.#gathering ??= this.#unlessPersistent(setTimeout(() => void this.#look(), delay))
  }

  async #tick(): Promise<void> {
    await this.#guard(() => this.#lookout.judgeAll())
    const now = performance.now()
    if (now - this.#lookout.lastLook < this.#settings.rescanMs && now < this.#lookAgainAt) return
    this.#lookAgainAt = Number.POSITIVE_INFINITY
    await this.#look()
    // a folder that has gone away may come back, and must not be made anew meanwhile
    if (look(this.#context.layout.root) !== undefined) await this.#guard(() => this.#listen())
  }

  #look(): Promise<void> {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined
      if (this.#isHinted) this.#hint()
      this.#isHinted = false
    })
    return this.#looking
  }

  async #lookOnce(): Promise<void> {
    await this.#guard(async () => {
      const unsettled = await this.#lookout.lookAtAll()
      this.#lastComplaint = ''
      const delay = this.#nextRetry(unsettled)
      if (delay !== undefined) setImmediate(() => this.#hint(delay))
    })
  }

  /** When to look again at markers whose sidecar does not say so yet; undefined when that was done often enough. */
  #nextRetry(unsettled: readonly string[]): number | undefined {
    const there = new Set(unsettled)
    for (const name of this.#retries.keys()) if (!there.has(name)) this.#retries.delete(name)
    let least = MAX_RETRIES
    for (const name of unsettled) {
      const tries = this.#retries.get(name) ?? 0
      this.#retries.set(name, tries + 1)
      least = Math.min(least, tries)
    }
    return least < MAX_RETRIES ? RETRY_MS * 2 ** least : undefined
  }

  #tell(event: WatchEvent): void {
    for (const reader of this.#readers) reader.add(event)
    this.#call(event.type, event)
  }

  /** Calls every listener, whatever the ones before did. */
  #call(name: keyof WatchEvents, event?: unknown): void {
    const failed = (error: unknown) =>
      name === 'error' ? tellError(this.#context.settings, error, '') : this.#complain(error)
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
    else tellError(this.#context.settings, error, '')
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
