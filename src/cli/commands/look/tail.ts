import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry, Session } from '../../../index.js'
import { EXIT } from '../../exit-code.js'
import { findKey } from '../../find-key.js'
import { exitCodeOf, onInterrupt, type StopSignal } from '../../signals.js'
import { escapeLine, jsonLine } from '../../terminal/escape.js'
import { messageText } from '../../terminal/message.js'
import { note, paint, print } from '../../terminal/output.js'
import { wrapped } from '../../terminal/wrap.js'
import { type GlobalOptions, readExistingStore } from '../../with-store.js'

export interface TailOptions extends GlobalOptions {
  last: number
  follow?: boolean
  json?: boolean
}

/** How often a followed session is checked, ms. */
const POLL_MS = 250
/** More new messages than this between two checks are shown without the first ones. */
const MOST_NEW = 10_000

/** The last messages of a session, and with `follow` what is appended and which turns run, until it is stopped. */
export async function tail(given: string, options: TailOptions): Promise<number> {
  return readExistingStore(options.root, async (store) => {
    const session = store.session(await findKey(store, given))
    const view = new TailView(session, options.json === true)
    let isRead = await view.show(options.last)
    if (!options.follow) return EXIT.done
    const stop = new AbortController()
    let stoppedBy: StopSignal | undefined
    onInterrupt((signal) => {
      stoppedBy = signal
      stop.abort()
    })
    while (!stop.signal.aborted && isRead) {
      await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => {})
      isRead = stop.signal.aborted || (await view.showNew())
    }
    return stoppedBy === undefined ? EXIT.done : exitCodeOf(stoppedBy)
  })
}

class TailView {
  readonly #session: Session
  readonly #asJson: boolean
  #seen = new Set<string>()
  #bytes = -1
  #state = ''

  constructor(session: Session, asJson: boolean) {
    this.#session = session
    this.#asJson = asJson
  }

  /** False: the reader has gone. */
  async show(last: number): Promise<boolean> {
    const info = await this.#session.info()
    this.#bytes = info?.bytes ?? 0
    this.#state = `${info?.state} ${info?.turnId}`
    for await (const entry of this.#session.entries({ last: Math.max(last, 1) })) {
      this.#seen.add(entry.id)
      if (last > 0 && !(await this.#print(entry))) return false
    }
    return true
  }

  /** The messages since the last check: of a log that did not change nothing is read. */
  async showNew(): Promise<boolean> {
    const info = await this.#session.info()
    const state = `${info?.state} ${info?.turnId}`
    if (info !== null && info.bytes !== this.#bytes) {
      const fresh: Entry[] = []
      for await (const entry of this.#behind()) fresh.push(entry)
      for (const entry of fresh) {
        if (this.#seen.has(entry.id)) continue
        this.#seen.add(entry.id)
        if (!(await this.#print(entry))) return false
      }
      if (fresh.length > 0) this.#seen = new Set([...this.#seen].slice(-MOST_NEW))
      this.#bytes = info.bytes
    }
    if (state !== this.#state) {
      this.#state = state
      const turn = info?.turnId ? ` ${escapeLine(info.turnId)}` : ''
      note(paint('dim', info === null ? 'the session is gone' : `${info.state}${turn}`, process.stderr))
    }
    return true
  }

  /** The messages behind the last one that was shown; the last ones where that was removed. */
  async *#behind(): AsyncGenerator<Entry> {
    for (const after of [...this.#seen].slice(-1)) {
      try {
        yield* this.#session.entries({ after, last: MOST_NEW })
        return
      } catch {
        // removed since: what was shown is left out below
      }
    }
    yield* this.#session.entries({ last: 100 })
  }

  async #print({ id, at, message }: Entry): Promise<boolean> {
    if (this.#asJson) return print(jsonLine({ id, at, message }))
    return print(await wrapped(`\n${messageText({ ...message, id, at: at.toISOString() })}`))
  }
}
