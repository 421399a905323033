/**
 * A network drive may show the new size of a file before its new bytes: there are NUL bytes or none for a moment. And it
 * may know a file for a moment that another machine has replaced: its handle is stale.
 */
import path from 'node:path'
import { isStale } from '../../base/errors.js'
import { sleep } from '../../base/event-loop.js'
import { closeFile, openRegular, readSync } from '../files.js'
import { listFolder } from '../folders.js'

/** Caches of such drives are out of date for a second. */
const LATE_MS = 1_500
const LOOK_MS = 100
/** What is looked at: new bytes follow those of a page that was read before, and end where the file does. */
const PART_BYTES = 64 * 1024

/** Does the work again, for about a second, as long as a handle is stale. */
export async function untilNotStale<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  for (const end = performance.now() + LATE_MS; ; ) {
    try {
      return await work()
    } catch (error) {
      if (!isStale(error) || performance.now() > end) throw error
    }
    await sleep(LOOK_MS)
    listFolder(path.dirname(file))
  }
}

/**
 * Resolves when the bytes of a log are there, at its end and behind `known`, the size that it had when it was read last.
 * After a while it resolves all the same: then they are damage, as on any disk. Returns the size that was waited for in
 * vain, which is not waited for again.
 */
export async function waitForData(file: string, known = 0, vain?: number): Promise<number | undefined> {
  for (const end = performance.now() + LATE_MS; ; ) {
    const size = await untilNotStale(file, () => sizeWithoutData(file, known))
    if (size === undefined || size === vain) return vain
    if (performance.now() > end) return size
    await sleep(LOOK_MS)
    // makes the system ask for the folder and what lies in it
    listFolder(path.dirname(file))
  }
}

/** The size of a file that lacks bytes; undefined where it lacks none, or there is none. */
function sizeWithoutData(file: string, known: number): number | undefined {
  const opened = openRegular(file)
  if (opened === undefined) return undefined
  try {
    const { size } = opened.stat
    const starts = [Math.max(0, size - PART_BYTES), ...(known < size - PART_BYTES ? [known] : [])]
    const isWhole = starts.every((start) => isFilled(opened.fd, start, Math.min(PART_BYTES, size - start)))
    return isWhole ? undefined : size
  } finally {
    closeFile(opened.fd)
  }
}

function isFilled(fd: number, start: number, length: number): boolean {
  const bytes = readSync(fd, start, length)
  return bytes.length === length && !bytes.includes(0)
}
