// Removes folders when standard input ends: remove-folders.mjs FOLDER...
// Input that ends without `done` means that the other process was interrupted; its children may write for a while then.
import fs from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const folders = process.argv.slice(2)
/** How long no folder comes back before this process ends, ms, and how long it tries at most. */
const QUIET_MS = 3_000
const LONGEST_MS = 30_000

/** Without permission to list a folder, what is in it cannot be removed. */
function unlock(place) {
  fs.chmodSync(place, 0o700)
  for (const entry of fs.readdirSync(place, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(path.join(place, entry.name))
  }
}

/** True when there was something to remove. */
function remove(folder) {
  if (!fs.existsSync(folder)) return false
  unlock(folder)
  fs.rmSync(folder, { recursive: true, force: true })
  return true
}

const interrupted = (await text(process.stdin)) !== 'done'
const start = performance.now()
let last = start
let failure
do {
  failure = undefined
  for (const folder of folders) {
    try {
      if (remove(folder)) last = performance.now()
    } catch (error) {
      failure = error
    }
  }
  if (interrupted || failure !== undefined) await sleep(100)
} while (
  performance.now() - start < LONGEST_MS &&
  (failure !== undefined || (interrupted && performance.now() - last < QUIET_MS))
)
if (failure !== undefined) throw failure
