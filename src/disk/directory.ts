/** Reads the names in a large directory without blocking the event loop: `readdirSync` blocks it for 20 ms and more. */
import fs from 'node:fs'
import { errno } from '../base/errors.js'
import { isLoopHeld, yieldToLoop } from '../base/event-loop.js'
import { listFolder } from './folders.js'

/** Names that one system call returns. */
const BATCH = 256

/** What `pick` returns for each name, without undefined; none when there is no directory. In no order. */
export async function pickNames<T>(directory: string, pick: (name: string) => T | undefined): Promise<T[]> {
  const dir = open(directory)
  const picked: T[] = []
  if (dir === undefined) return picked
  try {
    let seen = 0
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      const value = pick(entry.name)
      if (value !== undefined) picked.push(value)
      if (++seen % BATCH === 0 && isLoopHeld(performance.now())) await yieldToLoop()
    }
    return picked
  } catch (error) {
    // where the file system does not report the type of an entry, Node calls stat, and the file may be gone by then
    if (errno(error) !== 'ENOENT') throw error
    return listFolder(directory).flatMap((name) => pick(name) ?? [])
  } finally {
    dir.closeSync()
  }
}

function open(directory: string): fs.Dir | undefined {
  try {
    return fs.opendirSync(directory, { bufferSize: BATCH })
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}
