/** Appends to a session on request, and prints when each append began or how long each took. */
import { openStore } from '../../../dist/lib/index.js'

const [folder] = process.argv.slice(2)
const store = await openStore(folder)
const session = store.session('tail')
let n = 0

process.on('message', async ({ count, everyMs }) => {
  const times = []
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await session.append({ role: n % 2 === 0 ? 'user' : 'assistant', content: `line ${n++}` })
    times.push(performance.now() - began)
    if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  times.sort((a, b) => a - b)
  process.send({ at: Date.now(), median: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] })
})
process.on('disconnect', () => store.close())
process.send('ready')
