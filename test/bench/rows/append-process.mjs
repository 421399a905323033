/**
 * Appends in a process of its own: node append-process.mjs COMPETITOR FOLDER NUMBER
 * For each message `{key, count}` it appends so often, and returns `{worst, running}`, ms: the longest append, and the
 * longest without the time in which this process was ready to run and had no processor.
 */
import fs from 'node:fs'
import { messageAt } from '../messages.mjs'
import { storeOf } from './store-of.mjs'

const [title, dir, number] = process.argv.slice(2)
const store = await storeOf(title).open(dir)

const schedule = openOrNone(`/proc/${process.pid}/task/${process.pid}/schedstat`)
const text = Buffer.alloc(64)

function openOrNone(file) {
  try {
    return fs.openSync(file)
  } catch {
    return undefined
  }
}

/** For how long this thread has waited for a processor so far, ms; 0 where the system does not say. */
function waited() {
  if (schedule === undefined) return 0
  const [, queued] = text.latin1Slice(0, fs.readSync(schedule, text, 0, text.length, 0)).split(' ')
  return Number(queued) / 1e6
}

process.on('message', async ({ key, count }) => {
  let worst = 0
  let running = 0
  for (let i = 0; i < count; i++) {
    const message = { ...messageAt(i), from: Number(number), place: i }
    const before = waited()
    const start = performance.now()
    await store.append(key, message)
    const took = performance.now() - start
    worst = Math.max(worst, took)
    running = Math.max(running, took - (waited() - before))
  }
  process.send({ worst, running })
})
process.on('disconnect', async () => {
  await store.close()
  process.exit()
})
process.send('ready')
