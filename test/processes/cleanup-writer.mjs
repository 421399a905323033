// Writes to one session after the other, with pauses, until it gets a stop message: cleanup-writer.mjs FOLDER SEED
import { openStore } from '../../dist/lib/index.js'

const [folder, seed] = process.argv.slice(2)
const store = await openStore(folder)
const KEYS = Array.from({ length: 12 }, (_, i) => (i % 3 ? `s${i}` : `An odd key ${i}`))
const written = []
let isOver = false
let state = Number(seed) * 7919 + 1

function random(n) {
  state = (state * 1103515245 + 12345) % 2147483648
  return Math.floor((state / 2147483648) * n)
}

process.on('message', () => {
  isOver = true
})
process.send('ready')
for (let i = 0; !isOver; i++) {
  const content = `${seed}-${i}`
  await store.session(KEYS[random(KEYS.length)]).append({ role: 'user', content })
  written.push(content)
  await new Promise((resolve) => setTimeout(resolve, random(30)))
}
await store.close()
process.send(written)
process.disconnect()
