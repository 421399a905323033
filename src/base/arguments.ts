/** Checks of the caller's arguments: wrong types are TypeErrors, wrong numbers RangeErrors. */
import { isObject } from './json.js'

export function checkText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
}

/** The text, or null where none is given. */
export function checkOptionalText(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null
  checkText(name, value)
  return value
}

export function checkTexts(name: string, value: unknown): asserts value is string[] {
  if (!Array.isArray(value) || ![...value].every((text) => typeof text === 'string')) {
    throw new TypeError(`${name} must be an array of strings`)
  }
}

export function checkInteger(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be a whole number`)
}

/** A whole number from 0. */
export function checkCount(
  name: string,
  value: unknown,
  most: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new RangeError(`${name} must be a whole number from 0`)
}

/**
 * The options of a call: none unless given. @throws TypeError for no object, and for a name that is not among `names`
 */
export function checkNames<T extends object>(
  of: string,
  options: T | undefined,
  names: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T
  if (!isObject(options)) throw new TypeError(`the options of ${of} must be an object`)
  const unknown = Object.keys(options).find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) throw new TypeError(`${of} knows no option ${unknown}`)
  return options
}

export function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`)
}

/** A number from 0, Infinity among them. */
export function checkAmount(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`)
  if (!(value >= 0)) throw new RangeError(`${name} must not be negative`)
}

/** Points in time from 2001 to 2286: as durations they are 31 to 317 years, never meant. */
const TIMES_MS = { from: 1e12, to: 1e13 }

/** How long something lasts, ms. @throws TypeError; RangeError for a negative number, and for a point in time */
export function checkDuration(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number of milliseconds`)
  if (!(value >= 0)) throw new RangeError(`${name} must not be negative`)
  if (value > TIMES_MS.from && value < TIMES_MS.to)
    throw new RangeError(`${name} must be a duration in milliseconds: ${value} is a point in time`)
}

export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal')
}

/** How long a call waits for the lease of a session that another process holds. */
export interface WaitOptions {
  /** Ends the waiting: the call rejects with the signal's reason. What has begun is done all the same. */
  signal?: AbortSignal | undefined
}

/** @throws TypeError; what the signal was aborted with */
export function checkWait(of: string, options: WaitOptions | undefined): AbortSignal | undefined {
  const { signal } = checkNames(of, options, ['signal'])
  return stillOpen(signal)
}

/** The signal. @throws TypeError; what it was aborted with */
export function stillOpen(signal: AbortSignal | undefined): AbortSignal | undefined {
  checkSignal(signal)
  signal?.throwIfAborted()
  return signal
}

/** 1973: a time before that is one in seconds. */
const FIRST_MS = 1e11
/** The year 5138: a time after that is one in microseconds or nanoseconds. */
const LAST_MS = 1e14

/**
 * A time as Unix milliseconds. `now` is that of the store's clock: where it shows such a year itself, nothing is refused.
 * @throws TypeError; RangeError for no time, and for what must be in another unit
 */
export function checkTime(name: string, value: unknown, now = Date.now()): number {
  if (typeof value !== 'number' && !(value instanceof Date))
    throw new TypeError(`${name} must be a Date or Unix milliseconds`)
  const time = Number(value)
  if (Number.isNaN(new Date(time).getTime())) throw new RangeError(`${name} must be a time that a Date can hold`)
  if (time > 0 && time < FIRST_MS && now >= FIRST_MS)
    throw new RangeError(`${name} must be in milliseconds: ${time} is a time of 1973 or before`)
  if (typeof value === 'number' && time > LAST_MS && now <= LAST_MS)
    throw new RangeError(`${name} must be in milliseconds: ${time} is a time after the year 5138`)
  return time
}
