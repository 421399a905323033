/**
 * The last messages of sessions that were asked for them lately, so that asking again reads nothing, whatever this
 * process has appended since. They are believed while the log is the file that it was, like all that is known of it.
 */

import { copyOfJson, isShallow, type Json } from '../base/json.js'
import { type FileMark, sameMark } from '../disk/files.js'
import { type Line, namedIds, type StoredMessage } from '../log/line.js'
import { isChat } from '../log/parse.js'
import { toStored } from '../log/views.js'
import { NOTHING_KNOWN } from '../log/visibility.js'
import type { Lines } from './pending-line.js'

/** So much of logs is kept in memory, bytes … */
const MAX_BYTES = 32 * 1024 * 1024
/** … and of each of them. */
const MAX_EACH = MAX_BYTES / 32
/** So many more than were asked for are kept as they are added. */
const SPARE = 64

/** A live message: its line as it was written until somebody asks for it, then what that says. */
interface Kept {
  id: string
  /** How many its line has. */
  bytes: number
  line: Line | undefined
  text: string | undefined
  message: StoredMessage | undefined
}

interface Tail {
  /** The log as it was when it ended with these. */
  mark: FileMark
  /** Oldest first. */
  messages: Kept[]
  /** There are none before them. */
  whole: boolean
  /** How many were asked for at most. */
  wanted: number
  bytes: number
}

/** A bounded memory: what was not asked for the longest goes first. Nobody else changes what is in it. */
export class Tails {
  readonly #tails = new Map<string, Tail>()
  #bytes = 0

  /** Copies of the last messages, if the log is as it was and that many of them are known. */
  last(name: string, mark: FileMark, count: number): StoredMessage[] | undefined {
    const tail = this.#tails.get(name)
    if (tail === undefined || !sameMark(tail.mark, mark)) return undefined
    if (tail.messages.length < count && !tail.whole) return undefined
    this.#tails.delete(name)
    this.#tails.set(name, tail)
    return tail.messages.slice(-count).map(copyOf)
  }

  /** Takes note of the last live messages, when `wanted` were asked for. */
  set(name: string, mark: FileMark, lines: readonly Line[], wanted: number): void {
    const former = this.#tails.get(name)
    this.forget(name)
    if (lines.reduce((sum, { offset, end }) => sum + end - offset, 0) > MAX_EACH) return
    // the file's time stands in for those without one, and it changes
    if (!lines.every((line) => !line.bare && line.at !== undefined && isShallow(line.value))) return
    const messages = lines.map((line) => ({
      id: line.id,
      bytes: line.end - line.offset,
      line: undefined,
      text: undefined,
      message: toStored(line, NOTHING_KNOWN, ''),
    }))
    const whole = lines.length < wanted
    const tail = { mark, messages, whole, wanted: Math.max(wanted, former?.wanted ?? 0), bytes: 0 }
    this.#tails.set(name, tail)
    for (const { bytes } of messages) this.#count(tail, bytes)
    this.#limit(name, tail)
  }

  /** Takes note of lines that this process added to the log, which was as `before` tells and is as `after` does. */
  follow(name: string, { pieces, texts }: Lines, { before, after }: { before: FileMark; after: FileMark }): void {
    const tail = this.#tails.get(name)
    if (tail === undefined) return
    if (!sameMark(tail.mark, before)) {
      this.forget(name)
      return
    }
    tail.mark = after
    for (const [i, line] of pieces.entries()) {
      if (line.kind === 'remove') this.#remove(tail, new Set(namedIds(line)))
      if (!isChat(line)) continue
      const { id, offset, end } = line
      tail.messages.push({ id, bytes: end - offset, line, text: texts[i], message: undefined })
      this.#count(tail, end - offset)
    }
    this.#limit(name, tail)
  }

  #remove(tail: Tail, ids: ReadonlySet<string>): void {
    for (const { id, bytes } of tail.messages) if (ids.has(id)) this.#count(tail, -bytes)
    tail.messages = tail.messages.filter(({ id }) => !ids.has(id))
  }

  #count(tail: Tail, bytes: number): void {
    tail.bytes += bytes
    this.#bytes += bytes
  }

  #limit(name: string, tail: Tail): void {
    const { messages, wanted } = tail
    if (messages.length > 2 * wanted + SPARE) {
      for (const { bytes } of messages.splice(0, messages.length - wanted)) this.#count(tail, -bytes)
      tail.whole = false
    }
    if (tail.bytes > MAX_EACH) this.forget(name)
    if (this.#bytes <= MAX_BYTES) return
    for (const oldest of this.#tails.keys()) {
      this.forget(oldest)
      if (this.#bytes <= MAX_BYTES) return
    }
  }

  forget(name: string): void {
    const tail = this.#tails.get(name)
    if (tail === undefined) return
    this.#tails.delete(name)
    this.#bytes -= tail.bytes
  }
}

function copyOf(kept: Kept): StoredMessage {
  if (kept.message === undefined) {
    const value: Line['value'] = JSON.parse(kept.text as string)
    const message = toStored({ ...(kept.line as Line), value }, NOTHING_KNOWN, '')
    if (!isShallow(value)) return message
    kept.message = message
    kept.line = kept.text = undefined
  }
  return copyOfJson(kept.message as Json) as StoredMessage
}
