/**
 * Appends in a process of its own: node append-process.mjs COMPETITOR FOLDER NUMBER
 * For each message `{key, count}` it appends so often, and returns `{worst}`, the longest wait, ms.
 */
import { messageAt } from '../messages.mjs'
import { storeOf } from './store-of.mjs'

const [title, dir, number] = process.argv.slice(2)
const store = await storeOf(title).open(dir)

process.on('message', async ({ key, count }) => {
  let worst = 0
  for (let i = 0; i < count; i++) {
    const message = { ...messageAt(i), from: Number(number), place: i }
    const start = performance.now()
    await store.append(key, message)
    worst = Math.max(worst, performance.now() - start)
  }
  process.send({ worst })
})
process.on('disconnect', async () => {
  await store.close()
  process.exit()
})
process.send('ready')
