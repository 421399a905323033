/** The named values of one session: state that is no message. */
import {
  checkBoolean,
  checkNames,
  checkText,
  checkTime,
  checkWait,
  stillOpen,
  type WaitOptions,
} from '../../base/arguments.js'
import { yieldIfDue } from '../../base/event-loop.js'
import type { Json } from '../../base/json.js'
import { type FileMark, markOf, sameFile } from '../../disk/log/file-mark.js'
import type { LogReader } from '../../disk/log/log-reader.js'
import type { Summary } from '../../log/fold.js'
import type { Setter } from '../../log/last-lines.js'
import { isLine, type Line, type Range } from '../../log/line.js'
import { isoTime, parseLines, timeOf } from '../../log/parse.js'
import { type ValueText, valueText } from '../../log/serialize.js'
import type { Decision } from '../change/transaction.js'
import type { Clock } from '../clock.js'
import type { LogState } from '../log/log-state.js'
import { type Draft, valueDraft } from '../log/pending-line.js'
import type { SessionLog } from '../log/session-log.js'

/** What a name can hold. */
export type Value = Json | Uint8Array

/** A value with the facts of its line. */
export interface ValueEntry<T = Value> {
  value: T
  /** From when on the value is not there; undefined for one that stays. */
  expires: Date | undefined
  /** The id of the value's line: another one after each write. */
  id: string
}

export interface ValueOptions extends WaitOptions {
  /** When the value expires: a Date, or Unix milliseconds. */
  expires?: Date | number | undefined
}

/** A name, its value (undefined deletes it), and when that expires. */
export type ValueToSet = readonly [name: string, value: unknown, options?: ValueOptions]

/** How often a listing starts over when the log is replaced under it. */
const MAX_ATTEMPTS = 5

/** @throws TypeError, RangeError for a time that no Date can hold */
export function draftOf(clock: Clock, [name, value, options]: ValueToSet): Draft {
  return valueDraft(valueText(name, value, expiryOf(clock, options)))
}

function expiryOf(clock: Clock, options: ValueOptions | undefined): string | undefined {
  const { expires } = checkNames('a value', options, ['expires', 'signal'])
  return expires === undefined ? undefined : isoTime(Math.trunc(checkTime('option expires', expires, clock.now())))
}

/** The value of a line; undefined for a deletion. */
export function valueIn({ value: fields }: Line): Value | undefined {
  if ('value' in fields) return fields.value as Json
  return typeof fields.bytes === 'string' ? new Uint8Array(Buffer.from(fields.bytes, 'base64')) : undefined
}

/**
 * What a function that decides under the lease has returned. @throws TypeError for a promise: such a function is pure
 */
function checkedResult<T>(result: T): T {
  if (!(result instanceof Promise)) return result
  result.catch(() => {})
  throw new TypeError('the function must not be async: it decides while all other writers wait')
}

/** What a reader of the text gets. */
function writtenIn({ fields }: ValueText): Value | undefined {
  return fields === '' ? undefined : valueIn({ value: JSON.parse(`{${fields.slice(1)}}`) } as Line)
}

export class SessionValues {
  readonly #log: SessionLog

  constructor(log: SessionLog) {
    this.#log = log
  }

  async get(name: string): Promise<Value | undefined> {
    const line = await this.#line(name, this.#log.context.clock.now())
    return line && valueIn(line)
  }

  /** As `get`, whether it has expired or not. */
  async entry(name: string): Promise<ValueEntry | undefined> {
    const line = await this.#line(name, Number.NEGATIVE_INFINITY)
    const value = line && valueIn(line)
    if (line === undefined || value === undefined) return undefined
    const expires = timeOf(line.value.expires)
    return { value, expires: expires === undefined ? undefined : new Date(expires), id: line.id }
  }

  async set(name: string, value: unknown, options: ValueOptions & { ifAbsent?: boolean } = {}): Promise<boolean> {
    if (value === undefined)
      throw new TypeError('a value must be something that JSON can hold; deleteValue deletes one')
    const { ifAbsent = false, ...others } = options
    const draft = draftOf(this.#log.context.clock, [name, value, others])
    const signal = stillOpen(others.signal)
    if (!ifAbsent) {
      await this.#log.append([draft], { signal })
      return true
    }
    return this.#log.transact(async (_, state) => {
      const isThere = await this.#has(name, state)
      return isThere ? { drafts: [], result: false } : { drafts: [draft], result: true }
    }, signal)
  }

  async setAll(entries: Iterable<ValueToSet>, options?: WaitOptions): Promise<void> {
    const drafts = [...entries].map((entry) => draftOf(this.#log.context.clock, entry))
    const signal = checkWait('setValues', options)
    if (drafts.length > 0) await this.#log.append(drafts, { signal })
  }

  async delete(name: string, options?: WaitOptions): Promise<boolean> {
    const signal = checkWait('deleteValue', options)
    const draft = draftOf(this.#log.context.clock, [name, undefined])
    const done = await this.#log.transactExisting(async (_, state) => {
      const isThere = await this.#has(name, state)
      return isThere ? { drafts: [draft], result: true } : { drafts: [], result: false }
    }, signal)
    return done ?? false
  }

  async update(
    name: string,
    change: (old: Value | undefined, id: string | undefined) => unknown,
    options: ValueOptions = {},
  ): Promise<Value | undefined> {
    const expires = expiryOf(this.#log.context.clock, options)
    checkText('name', name)
    if (typeof change !== 'function') throw new TypeError('updateValue needs a function')
    return this.#log.transact(async (_, state): Promise<Decision<Value | undefined>> => {
      const line = state && (await this.#find(name, this.#log.context.clock.now(), state))?.line
      const old = line && valueIn(line)
      const before = valueText(name, old)
      const text = valueText(name, checkedResult(change(old, line?.id)), expires)
      // an unchanged value is not written again
      if (text.fields === before.fields && expires === undefined) return { drafts: [], result: old }
      return { drafts: [valueDraft(text)], result: writtenIn(text) }
    }, stillOpen(options.signal))
  }

  /** The names that are there and begin with `prefix`, in the order of their UTF-16 code units, with their values. */
  async *list(options?: { prefix?: string; keysOnly?: boolean }): AsyncGenerator<[string, Value | undefined]> {
    const { prefix = '', keysOnly = false } = checkNames('values', options, ['prefix', 'keysOnly'])
    checkText('prefix', prefix)
    checkBoolean('option keysOnly', keysOnly)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { mark, places } = await this.#placesOf(prefix)
      if (keysOnly || places.length === 0) {
        for (const [name] of places) yield [name, undefined]
        return
      }
      const reader = this.#log.openReader()
      if (reader === undefined) return
      try {
        // replaced in this instant: the places are those of the former file
        if (!sameFile(reader.stat, mark)) continue
        for (const [name, setter] of places) {
          yield [name, valueIn(lineIn(reader.bytesAt(setter), setter, name) ?? throwChanged(this.#log.file.path))]
          await yieldIfDue()
        }
        return
      } finally {
        reader.close()
      }
    }
    throwChanged(this.#log.file.path)
  }

  async #placesOf(prefix: string): Promise<{ mark: FileMark | undefined; places: Array<[string, Setter]> }> {
    this.#log.context.checkOpen()
    const found = await this.#log.reading(async (reader, { summary }) => {
      const now = this.#log.context.clock.now()
      const index = await this.#log.values.read(reader, summary)
      const places = [...index.names()].filter(([name, { expires }]) => expires > now && name.startsWith(prefix))
      return { mark: markOf(reader.stat), places: places.sort(([a], [b]) => (a < b ? -1 : 1)) }
    })
    return found ?? { mark: undefined, places: [] }
  }

  /** Reads values without waiting, as long as the file is open. */
  async lookUp(reader: LogReader, summary: Summary): Promise<(name: string) => Value | undefined> {
    const find = await this.#log.values.finder(reader, summary)
    return (name) => {
      checkText('name', name)
      const setter = find(name)
      if (setter === undefined || setter.expires <= this.#log.context.clock.now()) return undefined
      return valueIn(lineIn(reader.bytesAt(setter), setter, name) ?? throwChanged(this.#log.file.path))
    }
  }

  async #has(name: string, state: LogState | undefined): Promise<boolean> {
    const setter = state && (await this.#find(name, Number.POSITIVE_INFINITY, state))?.setter
    return setter !== undefined && setter.expires > this.#log.context.clock.now()
  }

  /** The line of a value that is there at a time. */
  async #line(name: string, now: number): Promise<Line | undefined> {
    return (await this.#find(name, now))?.line
  }

  /**
   * The place of the last line of a name, and the line if its value is there at the time `now`. Where the log is as it
   * was, this is one look and one read; under the lease `state` is what was seen.
   */
  async #find(name: string, now: number, state = this.#log.peek()): Promise<Found | undefined> {
    checkText('name', name)
    const { context, file, values } = this.#log
    context.checkOpen()
    const places = state && values.at(state.mark, state.summary)
    const setter = places?.get(name)
    if (places?.complete && setter === undefined) return undefined
    const found = state && setter && foundAt(setter, name, now, (range) => file.bytesAt(range, state.mark))
    if (found !== undefined) return found
    return this.#log.reading(async (reader, { summary }) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const last = (await values.read(reader, summary, name)).get(name)
        const there = last && foundAt(last, name, now, (range) => reader.bytesAt(range))
        if (last === undefined || there !== undefined) return there
        // edited in place
        values.reset()
      }
      return throwChanged(file.path)
    })
  }
}

/** The last line of a name, and where it stands. */
interface Found {
  setter: Setter
  line?: Line
}

/** Undefined where the line is not at its place. */
function foundAt(
  setter: Setter,
  name: string,
  now: number,
  bytesAt: (range: Range) => Buffer | undefined,
): Found | undefined {
  if (!(setter.expires > now)) return { setter }
  const bytes = bytesAt(setter)
  const line = bytes && lineIn(bytes, setter, name)
  return line && { setter, line }
}

/** The line of a name, if its bytes still are that. */
function lineIn(bytes: Buffer, { offset }: Range, name: string): Line | undefined {
  const [piece] = parseLines(bytes, offset)
  return piece !== undefined && isLine(piece) && piece.kind === 'value' && piece.value.name === name ? piece : undefined
}

function throwChanged(file: string): never {
  throw Object.assign(new Error(`the log changed while it was read: ${file}`), { code: 'EIO' })
}
