/** Keeps sessions of its own in use until it is stopped: node neighbour-process.mjs COMPETITOR FOLDER KEY... */
import { messageAt } from '../messages.mjs'
import { storeOf } from './store-of.mjs'

/** Well below the time after which an unused lease is given back, ms. */
const PAUSE = 250

const [title, dir, ...keys] = process.argv.slice(2)
const store = await storeOf(title).open(dir)
let ended = false
process.on('disconnect', () => {
  ended = true
})
for (let round = 0; !ended; round++) {
  for (const key of keys) await store.append(key, messageAt(round))
  if (round === 0) process.send('ready')
  await new Promise((resolve) => setTimeout(resolve, PAUSE))
}
await store.close()
process.exit()
