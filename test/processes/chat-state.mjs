// What a bot's process does with the state of the Chat SDK: chat-state.mjs FOLDER ROUNDS
import { setTimeout } from 'node:timers/promises'
import { createJsonlState } from '../../dist/lib/adapters/chat-sdk.js'
import { openStore } from '../../dist/lib/index.js'

const [folder, rounds] = process.argv.slice(2)
const store = await openStore(folder)
const states = [createJsonlState(store), createJsonlState(store)]
for (const state of states) await state.connect()

async function locked(state, work) {
  for (;;) {
    const lock = await state.acquireLock('counter', 60_000)
    if (lock === null) await setTimeout(1)
    else {
      try {
        return await work()
      } finally {
        await state.releaseLock(lock)
      }
    }
  }
}

process.on('message', async () => {
  const firsts = []
  const taken = []
  for (let n = 0; n < Number(rounds); n++) {
    const isFirst = await Promise.all(states.map((state) => state.setIfNotExists(`event ${n}`, true, 600_000)))
    for (const each of isFirst) if (each) firsts.push(n)
    const entry = await states[n % 2].dequeue('queue')
    if (entry !== null) taken.push(entry.enqueuedAt)
    await locked(states[n % 2], async () => states[0].set('count', ((await states[0].get('count')) ?? 0) + 1))
  }
  // held until the process is killed
  await states[0].acquireLock(`held by ${process.pid}`, 3_600_000)
  process.send({ firsts, taken })
})
process.send('ready')
