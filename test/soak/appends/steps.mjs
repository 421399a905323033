/**
 * Ends or stops this process before one of its next file calls. Must be loaded before the library, which calls them on
 * the default export of node:fs. Calls on the files of the witness are not counted apart: they are steps like others.
 */
import fs from 'node:fs'

const CALLS = ['writeSync', 'renameSync', 'linkSync', 'unlinkSync', 'rmdirSync', 'mkdirSync', 'openSync', 'fsyncSync']
const LATER = ['fsync', 'fdatasync', 'write', 'read', 'close']
/** A piece of work makes some dozens of calls. */
const MOST_CALLS = 60

let left = Number.POSITIVE_INFINITY

export function armStep() {
  left = 1 + Math.floor(Math.random() * MOST_CALLS)
}

function step() {
  if (--left > 0) return
  left = Number.POSITIVE_INFINITY
  process.kill(process.pid, Math.random() < 0.6 ? 'SIGKILL' : 'SIGSTOP')
}

for (const name of [...CALLS, ...LATER]) {
  const original = fs[name]
  fs[name] = Object.assign((...args) => {
    step()
    return original.apply(fs, args)
  }, original)
}
