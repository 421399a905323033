/**
 * Which lines set the names and labels of a session as they are: the last `value` line of each name, and the `meta`
 * lines of which a key counts. All others say nothing any more.
 */
import { isObject, type JsonObject } from '../base/json.js'
import { CARRIED } from './fold.js'
import type { Line, Range } from './line.js'
import { timeOf } from './parse.js'

/** A line that sets a name or labels. */
export interface Setter extends Range {
  /** How many of the keys that it sets no later line sets. */
  left: number
  /** From when on its value is not there, Unix milliseconds: never is Infinity, a deletion's is -Infinity. */
  expires: number
}

/** Lines may be added from both ends; the bytes of values are not held. */
export class LastLines {
  /** The last line of each name, deletions included. */
  readonly values = new Map<string, Setter>()
  readonly #labels = new Map<string, Setter>()
  /** Bytes of lines that later ones supersede. */
  superseded = 0
  /** Value lines that were added. */
  valueLines = 0

  /** Adds a line behind all others; passes lines that are not needed any more, itself included, to `drop`. */
  addNext(line: Line, drop?: (setter: Setter) => void): Setter | undefined {
    const setter = this.#setterOf(line)
    if (setter === undefined) return undefined
    this.#eachKey(line, (map, key) => {
      const former = map.get(key)
      map.set(key, setter)
      if (former !== undefined) this.#release(former, drop)
    })
    if (setter.left === 0) this.#noteSuperseded(setter, drop)
    return setter
  }

  /** Adds a line before all others. */
  addFormer(line: Line): void {
    const setter = this.#setterOf(line)
    if (setter === undefined) return
    this.#eachKey(line, (map, key) => {
      if (map.has(key)) setter.left--
      else map.set(key, setter)
    })
    if (setter.left === 0) this.#noteSuperseded(setter)
  }

  /** Takes a value out that has expired, or was deleted. */
  delete(name: string): void {
    this.values.delete(name)
  }

  #release(setter: Setter, drop?: (setter: Setter) => void): void {
    setter.left--
    if (setter.left === 0) this.#noteSuperseded(setter, drop)
  }

  #noteSuperseded(setter: Setter, drop?: (setter: Setter) => void): void {
    this.superseded += setter.end - setter.offset
    drop?.(setter)
  }

  #setterOf(line: Line): Setter | undefined {
    const { offset, end } = line
    if (line.kind === 'value') {
      this.valueLines++
      return { offset, end, left: 1, expires: expiryOf(line) }
    }
    if (!isSupersedable(line)) return undefined
    const { metadata, ...others } = line.value.set as JsonObject
    const left = Object.keys(others).length + (isObject(metadata) ? 1 + Object.keys(metadata).length : 0)
    return { offset, end, left, expires: Number.POSITIVE_INFINITY }
  }

  #eachKey(line: Line, note: (map: Map<string, Setter>, key: string) => void): void {
    if (line.kind === 'value') {
      note(this.values, line.value.name as string)
      return
    }
    for (const [key, value] of Object.entries(line.value.set as JsonObject)) {
      note(this.#labels, `.${key}`)
      if (key === 'metadata') for (const inner of Object.keys(value as JsonObject)) note(this.#labels, `:${inner}`)
    }
  }
}

/**
 * True for a `meta` line that later ones can supersede. One that carries over what a rewrite dropped, be it the
 * time only, goes by other rules, and metadata that is no object takes away what was set before.
 */
export function isSupersedable({ kind, value }: Line): boolean {
  if (kind !== 'meta') return false
  const set = value.set as JsonObject
  if (Object.hasOwn(set, 'metadata') && !isObject(set.metadata)) return false
  const keys = Object.keys(set)
  return keys.length > 0 && !keys.some((key) => CARRIED.has(key))
}

function expiryOf({ value }: Line): number {
  if (!('value' in value) && value.bytes === undefined) return Number.NEGATIVE_INFINITY
  const expires = timeOf(value.expires)
  return expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires)
}
