/** Does one thing and tells what it cost: node --expose-gc memory-process.mjs store|stream|tail FOLDER */
import { Ours } from '../competitors/ours.mjs'
import { peak, resetPeak } from '../memory.mjs'
import { keys } from '../messages.mjs'

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
const bytes = what === 'store' ? resetPeak() : peak() - before
await store.close()
console.log(JSON.stringify({ milliseconds, bytes, count }))
