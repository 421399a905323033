/** Checks of what callers give: wrong types are TypeErrors, wrong numbers RangeErrors. */

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

/** The options of a call: none unless given. @throws TypeError for no object, and for a name that is not among `names` */
export function checkNames<T extends object>(
  of: string,
  options: T | undefined,
  names: readonly (keyof T & string)[],
): T {
  if (options === undefined) return {} as T
  if (typeof options !== 'object' || options === null) throw new TypeError(`the options of ${of} must be an object`)
  const unknown = Object.keys(options).find((name) => !(names as readonly string[]).includes(name))
  if (unknown !== undefined) throw new TypeError(`${of} knows no option ${unknown}`)
  return options
}

export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal must be an AbortSignal')
}

/** What the work resolves to; rejects with what the signal was aborted with, and the work goes on unseen. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise, reject } = rejecter()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function rejecter(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<never>((_, rejects) => {
    reject = rejects
  })
  return { promise, reject }
}

/** 1973: a time before that is one in seconds. */
const FIRST_MS = 1e11

/** A time as Unix milliseconds. @throws TypeError; RangeError for no time, and for what must be seconds */
export function checkTime(name: string, value: unknown): number {
  if (typeof value !== 'number' && !(value instanceof Date))
    throw new TypeError(`${name} must be a Date or Unix milliseconds`)
  const time = Number(value)
  if (Number.isNaN(time)) throw new RangeError(`${name} is no time`)
  if (time > 0 && time < FIRST_MS)
    throw new RangeError(`${name} must be in milliseconds: ${time} is a time of 1973 or before`)
  return time
}
