/** Calls of the file system: counted, delayed or made to fail, in all their forms (see ../conformance/faults.ts). */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { replaceOperation, type StandIn } from '../conformance/faults.js'

export type { Call } from '../conformance/faults.js'

// Node loads what removes a tree at its first use, and it keeps the calls that it finds then: not those of a test
fs.rmSync(path.join(os.tmpdir(), 'jsonl-sessions-none'), { recursive: true, force: true })

/** Puts `standIn` in the place of an operation; returns what undoes it, which the end of the test does too. */
export function patch(operation: string, standIn: StandIn): () => void {
  const undo = replaceOperation(operation, standIn)
  let done = false
  const restore = () => {
    if (!done) undo()
    done = true
  }
  onTestFinished(restore)
  return restore
}

/** Calls `act` with what a call returned, or with what its promise resolves to. */
export function following<T, U>(result: T | Promise<T>, act: (value: T) => U): U | Promise<U> {
  return result instanceof Promise ? result.then(act) : act(result)
}

/** Makes a call, and calls `act` when it has returned or resolved, thrown or rejected. */
export function ending<T>(make: () => T, act: () => void): T {
  let result: T
  try {
    result = make()
  } catch (error) {
    act()
    throw error
  }
  if (result instanceof Promise) return result.finally(act) as T
  act()
  return result
}

export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made by the test`), { code })
}

/** Runs `work` while an operation is replaced. */
export async function during<T>(operation: string, standIn: StandIn, work: () => T | Promise<T>): Promise<Awaited<T>> {
  const restore = patch(operation, standIn)
  try {
    return await work()
  } finally {
    restore()
  }
}

/** The number of openings, during `work`, of files whose name ends like this. */
export async function filesOpened(work: () => Promise<unknown>, ending = ''): Promise<number> {
  let count = 0
  const counting: StandIn =
    (call) =>
    (...args) => {
      if (String(args[0]).endsWith(ending)) count++
      return call(...args)
    }
  await during('open', counting, work)
  return count
}

/** How many bytes are read from files by `work`. */
export async function bytesRead(work: () => Promise<unknown>): Promise<number> {
  let sum = 0
  const counting: StandIn =
    (call) =>
    (...args) =>
      following(call(...args), (count: number) => {
        sum += count
        return count
      })
  await during('read', counting, work)
  return sum
}

/** Operations that can fail in practice; closing is left out. */
const FALLIBLE = [
  ...['open', 'read', 'write', 'fstat', 'lstat', 'fchmod', 'mkdir', 'chmod', 'fsync', 'fdatasync'],
  ...['ftruncate', 'rename', 'link', 'unlink', 'rmdir', 'readdir', 'opendir'],
]

export interface Faults {
  /** How many file calls there were. */
  count: number
  /** The operations that failed. */
  failed: string[]
  stop: () => void
}

/** Counts file calls, and fails the `nth` (from 1), or with `lasting` that one and all after it. */
export function failCall(
  nth: number,
  { code = 'EIO', lasting = false, only }: { code?: string; lasting?: boolean; only?: (name: string) => boolean } = {},
): Faults {
  const faults: Faults = { count: 0, failed: [], stop: () => {} }
  const restores = FALLIBLE.filter((name) => only?.(name) ?? true).map((name) =>
    patch(name, (call) => (...args) => {
      faults.count++
      const fails = lasting ? faults.count >= nth : faults.count === nth
      if (!fails) return call(...args)
      faults.failed.push(name)
      throw systemError(code)
    }),
  )
  faults.stop = () => {
    for (const restore of restores) restore()
  }
  return faults
}
