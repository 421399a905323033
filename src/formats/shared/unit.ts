/** From the bytes of a foreign file to its units: the lines of a JSONL file, or the elements of a JSON array. Pure. */
import { isAscii, isUtf8 } from 'node:buffer'
import { isObject, type Json, type JsonObject } from '../../base/json.js'
import { MAX_LINE_BYTES } from '../../log/serialize.js'

const LF = 0x0a
const BOM = '\uFEFF'
/** Values that are nested deeper than this are not taken over. */
const MAX_DEPTH = 1_000

/** Where something stands in a file: line or element number from 1, offset of its first byte, and of the byte behind it. */
export interface Place {
  line: number
  offset: number
  end: number
}

/** One JSON object of the source. */
export interface Unit extends Place {
  kind: 'unit'
  value: JsonObject
  /** Its JSON text, trimmed. */
  text: string
  /** The values of the source that it stands for, if not its own. */
  raw?: readonly Json[]
}

export interface BadUnit extends Place {
  kind: 'bad'
  reason: string
}

export type Cut = Unit | BadUnit | (Place & { kind: 'blank' | 'torn' })

/**
 * Cuts bytes that begin a line into lines. With `atEnd` a rest without a line feed is the last line, which is torn
 * unless it parses; without it that rest is left to the caller. `base` is the offset of the bytes, `first` the number
 * of the line that they begin with.
 */
export function cutLines(bytes: Buffer, base: number, first: number, atEnd: boolean): Cut[] {
  const cuts: Cut[] = []
  const ascii = isAscii(bytes) ? bytes.toString('latin1') : undefined
  let line = first
  let start = 0
  for (;;) {
    const feed = ascii === undefined ? bytes.indexOf(LF, start) : ascii.indexOf('\n', start)
    if (feed === -1) break
    const place = { line, offset: base + start, end: base + feed + 1 }
    cuts.push(cutOf(bytes, start, feed, place, ascii))
    start = feed + 1
    line++
  }
  if (atEnd && start < bytes.length) {
    const cut = cutOf(bytes, start, bytes.length, { line, offset: base + start, end: base + bytes.length }, ascii)
    const isTorn = cut.kind === 'bad' && cut.reason !== NO_OBJECT && cut.reason !== TOO_DEEP
    cuts.push(isTorn ? { ...cut, kind: 'torn' } : cut)
  }
  return cuts
}

const NO_OBJECT = 'not a JSON object'
const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`

function cutOf(bytes: Buffer, start: number, stop: number, place: Place, ascii: string | undefined): Cut {
  if (stop - start > MAX_LINE_BYTES) return tooLong(place)
  if (ascii !== undefined) return parsedUnit(ascii.slice(start, stop), place)
  const part = bytes.subarray(start, stop)
  // most lines are ASCII even where not all are, and become text several times as fast
  if (isAscii(part)) return parsedUnit(part.toString('latin1'), place)
  if (!isUtf8(part)) return { kind: 'bad', ...place, reason: 'not UTF-8' }
  return parsedUnit(part.toString('utf8'), place)
}

export function tooLong(place: Place): BadUnit {
  return { kind: 'bad', ...place, reason: `longer than ${MAX_LINE_BYTES} bytes` }
}

/** One unit by its text. */
export function parsedUnit(given: string, place: Place): Cut {
  const text = (place.offset === 0 && given.startsWith(BOM) ? given.slice(1) : given).trim()
  if (text === '') return { kind: 'blank', ...place }
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    return { kind: 'bad', ...place, reason: 'not JSON' }
  }
  if (!isObject(value)) return { kind: 'bad', ...place, reason: NO_OBJECT }
  if (text.length > 2 * MAX_DEPTH && isDeep(value)) return { kind: 'bad', ...place, reason: TOO_DEEP }
  return { kind: 'unit', ...place, value, text }
}

/** True for a value that is nested too deeply to be walked and written safely. */
export function isDeep(value: Json, depth = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  if (Array.isArray(value)) return value.some((inner) => isDeep(inner, depth - 1))
  for (const key in value) if (isDeep(value[key] as Json, depth - 1)) return true
  return false
}

/** A unit of a value that has no line of its own, such as an entry of a document; `line` counts them from 1. */
export function unitOf(value: JsonObject, line: number): Unit {
  return { kind: 'unit', line, offset: 0, end: 0, value, text: JSON.stringify(value) }
}

/** The messages of a unit that holds several, as units: the first one stands for all of it. */
export function partsOf(unit: Unit, values: readonly JsonObject[]): Unit[] {
  return values.map((value, i) => ({ ...unitOf(value, unit.line), raw: i === 0 ? [unit.value] : [] }))
}

/** Cuts a JSON array into its elements, however large it is; bytes come in blocks. */
export class ElementCutter {
  #parts: Buffer[] = []
  #size = 0
  #start = 0
  #line = 0
  #depth = 0
  #inString = false
  #isEscaped = false
  #isOpen = false
  #isDone = false
  #position = 0

  /** The elements that end in these bytes. */
  push(bytes: Buffer): Cut[] {
    const cuts: Cut[] = []
    let from = this.#isOpen ? 0 : -1
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] as number
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === 0x5c) this.#isEscaped = true
        else if (byte === 0x22) this.#inString = false
        continue
      }
      if (this.#depth === 0) {
        if (byte === 0x5b && !this.#isDone) this.#depth = 1
        continue
      }
      const isSpace = byte === 0x20 || byte === LF || byte === 0x0d || byte === 0x09
      if (this.#depth === 1 && (byte === 0x2c || byte === 0x5d)) {
        if (this.#isOpen) cuts.push(this.#close(bytes.subarray(from, i), this.#position + i))
        from = -1
        if (byte === 0x5d) {
          this.#depth = 0
          this.#isDone = true
        }
        continue
      }
      if (!this.#isOpen && !isSpace) {
        this.#isOpen = true
        this.#start = this.#position + i
        from = i
      }
      if (byte === 0x22) this.#inString = true
      else if (byte === 0x7b || byte === 0x5b) this.#depth++
      else if ((byte === 0x7d || byte === 0x5d) && this.#depth > 1) this.#depth--
    }
    if (this.#isOpen) this.#keep(bytes.subarray(from))
    this.#position += bytes.length
    return cuts
  }

  /** What is left when the file ends: an element that was cut off. */
  end(): Cut[] {
    if (!this.#isOpen) return []
    const place = { line: ++this.#line, offset: this.#start, end: this.#position }
    return [{ kind: 'torn', ...place }]
  }

  #keep(bytes: Buffer): void {
    this.#size += bytes.length
    // one that is too long is only counted
    if (this.#size > MAX_LINE_BYTES) this.#parts = []
    else this.#parts.push(Buffer.from(bytes))
  }

  #close(rest: Buffer, end: number): Cut {
    const size = this.#size + rest.length
    const place = { line: ++this.#line, offset: this.#start, end }
    const bytes = size > MAX_LINE_BYTES ? undefined : Buffer.concat([...this.#parts, rest])
    this.#parts = []
    this.#size = 0
    this.#isOpen = false
    if (bytes === undefined) return tooLong(place)
    return cutOf(bytes, 0, bytes.length, place, undefined)
  }
}
