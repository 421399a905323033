/** The names in a folder that may hold very many. */
import fs from 'node:fs'
import { errno } from '../base/errors.js'
import { breathe, isLoopHeld } from '../base/event-loop.js'
import { listFolder } from './files.js'

/** Names that are fetched by one call. */
const AT_ONCE = 256

/**
 * What `pick` makes of each name in a folder, undefined left out; nothing when there is no folder. In no order, and
 * without the list of them all, which takes longer and much memory that the system gets back late.
 */
export async function pickNames<T>(folder: string, pick: (name: string) => T | undefined): Promise<T[]> {
  const dir = open(folder)
  const picked: T[] = []
  if (dir === undefined) return picked
  try {
    let seen = 0
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) {
      const made = pick(entry.name)
      if (made !== undefined) picked.push(made)
      if (++seen % AT_ONCE === 0 && isLoopHeld(performance.now())) await breathe()
    }
    return picked
  } catch (error) {
    // where the file system does not say what a name stands for, Node looks, and it may be gone by then
    if (errno(error) !== 'ENOENT') throw error
    return listFolder(folder).flatMap((name) => pick(name) ?? [])
  } finally {
    dir.closeSync()
  }
}

function open(folder: string): fs.Dir | undefined {
  try {
    return fs.opendirSync(folder, { bufferSize: AT_ONCE })
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}
