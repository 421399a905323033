/** Does one thing and prints what it cost: node --expose-gc memory-process.mjs store|stream|tail FOLDER */
import { setTimeout } from 'node:timers/promises'
import { Ours } from '../competitors/ours.mjs'
import { peak, resetPeak } from '../memory.mjs'
import { keys } from '../messages.mjs'

const GIVEN_BACK_MS = 100

const [what, dir] = process.argv.slice(2)
const [key] = keys(1)
const store = await Ours.open(dir)

const WORK = {
  store: async () => (await store.list()).length,
  async stream() {
    let count = 0
    for await (const _message of store.store.session(key).stream()) count++
    return count
  },
  tail: async () => (await store.last(key, 50)).length,
}

const before = resetPeak()
const start = performance.now()
const count = await WORK[what]()
const milliseconds = performance.now() - start
const bytes = what === 'store' ? await left() : peak() - before
await store.close()
console.log(JSON.stringify({ milliseconds, bytes, count }))

/** What the process still has when the list is let go of. V8 gives the system free pages back a little later. */
async function left() {
  globalThis.gc()
  await setTimeout(GIVEN_BACK_MS)
  return process.memoryUsage.rss()
}
