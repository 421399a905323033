/**
 * Server-sent events: hints that something changed. The files of sessions that some page shows are checked several
 * times a second, which costs a stat each; turns are watched by the store's watcher.
 */
import { statFile } from '../../disk/files.js'
import { nameIn } from '../../disk/given-names.js'
import { LogReader } from '../../disk/log/log-reader.js'
import type { StuckReason } from '../../disk/sidecar/sidecar-file.js'
import type { StoreInternals } from '../../list/store-internals.js'
import type { WatchEvent } from '../../runs/watch-events.js'
import { Watcher } from '../../runs/watcher.js'
import { ViewerError } from '../api/answers.js'
import type { ViewerEvent } from '../api/shapes.js'
import { logId } from '../log/log-view.js'

const MAX_CLIENTS = 50
const MAX_KEYS = 20
/** How often the shown logs are checked, ms. */
const LOOK_MS = 100
/** How often the head of the list is checked, ms. */
const LIST_MS = 1_000
const HEAD_ROWS = 50
const HEARTBEAT_MS = 15_000
/** A client that does not read is given up when so many events wait for it. */
const MAX_WAITING = 1_000

interface Client {
  keys: readonly string[]
  wantsList: boolean
  send(text: string): void
  end(): void
}

interface Seen {
  size: number
  ino: number
  log: string
}

export class EventHub {
  readonly #store: StoreInternals
  readonly #clients = new Set<Client>()
  readonly #seen = new Map<string, Seen>()
  /** Why turns are stuck, by the last events of the watcher. */
  readonly stuck = new Map<string, StuckReason>()
  #watcher: Watcher | undefined
  #timers: NodeJS.Timeout[] = []
  #head = ''
  #isLooking = false
  #id = 0

  constructor(store: StoreInternals) {
    this.#store = store
  }

  /** @throws ViewerError ERR_VIEWER_BUSY */
  open(keys: readonly string[], wantsList: boolean): Response {
    if (this.#clients.size >= MAX_CLIENTS)
      throw new ViewerError(503, 'ERR_VIEWER_BUSY', `${MAX_CLIENTS} pages are open`)
    const encoder = new TextEncoder()
    let client: Client
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          client = {
            keys: keys.slice(0, MAX_KEYS),
            wantsList,
            send: (text) => {
              if ((controller.desiredSize ?? 0) < -MAX_WAITING) return client.end()
              controller.enqueue(encoder.encode(text))
            },
            end: () => {
              this.#drop(client)
              controller.close()
            },
          }
          this.#add(client)
        },
        cancel: () => this.#drop(client),
      },
      { highWaterMark: 1 },
    )
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
    })
  }

  /** Sends to all pages, or to the pages that show the session of the event. */
  send(event: ViewerEvent): void {
    for (const client of this.#clients) {
      if ('key' in event && !client.keys.includes(event.key)) continue
      if (event.type === 'list' && !client.wantsList) continue
      client.send(this.#text(event))
    }
  }

  async close(): Promise<void> {
    for (const client of [...this.#clients]) client.end()
    await this.#stop()
  }

  /** Ids rise, so that a browser names the last one when it comes back; what it missed, it requests anyway. */
  #text(event: ViewerEvent): string {
    return `id: ${++this.#id}\ndata: ${JSON.stringify(event)}\n\n`
  }

  #add(client: Client): void {
    this.#clients.add(client)
    // each page gets its logs once: they may have changed since it read them
    for (const key of client.keys) this.#seen.delete(key)
    client.send(`retry: 1000\n${this.#text({ type: 'hello' })}`)
    if (this.#timers.length === 0) this.#start()
  }

  #drop(client: Client): void {
    this.#clients.delete(client)
    if (this.#clients.size === 0) void this.#stop()
  }

  #start(): void {
    const every = (ms: number, work: () => void) => this.#timers.push(setInterval(work, ms).unref())
    every(LOOK_MS, () => this.#lookAtLogs())
    every(LIST_MS, () => void this.#lookAtList())
    every(HEARTBEAT_MS, () => {
      for (const client of this.#clients) client.send(': alive\n\n')
    })
    // without events of the system nothing is written to the folder
    this.#watcher = new Watcher(this.#store.context, { poll: true, persistent: false })
    const note = (event: WatchEvent) => {
      if (event.type === 'stuck') this.stuck.set(event.key, event.reason)
      else this.stuck.delete(event.key)
      this.send({ type: 'runs' })
    }
    for (const type of ['started', 'finished', 'stuck', 'recovered'] as const) this.#watcher.on(type, note)
    // what cannot be watched now is checked again
    this.#watcher.on('error', () => {})
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#seen.clear()
    this.stuck.clear()
    const watcher = this.#watcher
    this.#watcher = undefined
    await watcher?.close()
  }

  #lookAtLogs(): void {
    const { layout } = this.#store.context
    const keys = new Set([...this.#clients].flatMap((client) => client.keys))
    for (const key of this.#seen.keys()) if (!keys.has(key)) this.#seen.delete(key)
    for (const key of keys) {
      try {
        this.#lookAt(key, layout.log(nameIn(layout, key)))
      } catch {
        // an outage: the page requests again and reports it
      }
    }
  }

  #lookAt(key: string, path: string): void {
    const stat = statFile(path)
    const former = this.#seen.get(key)
    if (stat === undefined || stat === 'other') {
      this.#seen.delete(key)
      if (former !== undefined) this.send({ type: 'gone', key })
      return
    }
    const { size, ino } = stat
    if (former?.size === size && former.ino === ino) return
    const reader = LogReader.open(path)
    if (reader === undefined) return
    try {
      const log = logId(reader)
      this.#seen.set(key, { size, ino, log })
      const isSame = former === undefined || (former.log === log && size >= former.size)
      this.send({ type: isSame ? 'grew' : 'rewritten', key, size, log })
    } finally {
      reader.close()
    }
  }

  async #lookAtList(): Promise<void> {
    if (this.#isLooking || ![...this.#clients].some(({ wantsList }) => wantsList)) return
    this.#isLooking = true
    try {
      const rows = await this.#store.index.rows({ limit: HEAD_ROWS })
      const head = rows
        .map(({ key, bytes, state, name, tags }) => JSON.stringify([key, bytes, state, name, tags]))
        .join()
      if (head !== this.#head && this.#head !== '') this.send({ type: 'list' })
      this.#head = head
    } catch {
      // the page requests the list and reports the outage
    } finally {
      this.#isLooking = false
    }
  }
}
