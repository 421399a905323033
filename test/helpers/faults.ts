/** Functions of node:fs, made to fail or to do something more. The store calls them on the default export. */
import fs from 'node:fs'
import { onTestFinished } from 'vitest'

/** A function of node:fs, whichever it is. */
// biome-ignore lint/suspicious/noExplicitAny: its arguments are of all kinds
export type Call = (...args: any[]) => any

const calls = fs as unknown as Record<string, Call>

/** Puts `make(original)` in the place of a function; answers how to put it back, which the end of the test does too. */
export function patch(name: string, make: (original: Call) => Call): () => void {
  const original = calls[name] as Call
  calls[name] = make(original)
  let done = false
  const restore = () => {
    if (!done) calls[name] = original
    done = true
  }
  onTestFinished(restore)
  return restore
}

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made by the test`), { code })
}

/** Runs `work` while a function of node:fs is replaced. */
export async function during<T>(
  name: string,
  make: (original: Call) => Call,
  work: () => T | Promise<T>,
): Promise<Awaited<T>> {
  const restore = patch(name, make)
  try {
    return await work()
  } finally {
    restore()
  }
}

/** How many files whose name ends like this are opened by `work`, one as often as it is. */
export async function filesOpened(work: () => Promise<unknown>, ending = ''): Promise<number> {
  let count = 0
  const counting: (original: Call) => Call =
    (original) =>
    (...args) => {
      if (String(args[0]).endsWith(ending)) count++
      return original(...args)
    }
  await during('openSync', counting, work)
  return count
}

/** Bytes that synchronous reads of files deliver while `work` runs. */
export async function bytesRead(work: () => Promise<unknown>): Promise<number> {
  let sum = 0
  const counting: (original: Call) => Call =
    (original) =>
    (...args) => {
      const count = original(...args)
      sum += count
      return count
    }
  await during('readSync', counting, work)
  return sum
}

/** File calls that can fail in practice; closing is left out. */
const FALLIBLE = [
  ...['openSync', 'readSync', 'writeSync', 'fstatSync', 'lstatSync', 'fchmodSync', 'mkdirSync', 'chmodSync'],
  ...['fsyncSync', 'ftruncateSync', 'renameSync', 'linkSync', 'unlinkSync', 'rmdirSync', 'readdirSync'],
  ...['opendirSync', 'fsync', 'fdatasync', 'read'],
]

export interface Faults {
  /** How many file calls there were. */
  count: number
  /** The names of the calls that failed. */
  failed: string[]
  stop: () => void
}

/**
 * Counts file calls, and fails the `nth` (from 1), or with `lasting` that one and all after it.
 * `spare` tells which calls are not meant, by name and first argument.
 */
export function failCall(
  nth: number,
  { code = 'EIO', lasting = false, only }: { code?: string; lasting?: boolean; only?: (name: string) => boolean } = {},
): Faults {
  const faults: Faults = { count: 0, failed: [], stop: () => {} }
  const restores = FALLIBLE.filter((name) => only?.(name) ?? true).map((name) =>
    patch(name, (original) => (...args) => {
      faults.count++
      const fails = lasting ? faults.count >= nth : faults.count === nth
      if (!fails) return original.apply(fs, args)
      faults.failed.push(name)
      const done = args.at(-1)
      if (typeof done !== 'function') throw systemError(code)
      setImmediate(() => done(systemError(code)))
    }),
  )
  faults.stop = () => {
    for (const restore of restores) restore()
  }
  return faults
}
