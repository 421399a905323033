// Begins and ends turns as quickly as it can; some are never ended: burst.mjs FOLDER CHANGES LEFT
import { openStore } from '../../dist/lib/index.js'

const [folder, changes, left] = process.argv.slice(2)
const store = await openStore(folder)
const keys = Array.from({ length: 200 }, (_, i) => `s${i}`)
for (let i = 0; i < Number(changes); i++) {
  const key = keys[i % keys.length]
  await store.session(key).setState(Math.floor(i / keys.length) % 2 === 0 ? 'running' : 'idle', 't')
}
for (const key of keys) await store.session(key).setState('idle')
const stuck = keys.slice(0, Number(left))
await Promise.all(stuck.map((key) => store.session(key).setState('running', 'stuck')))
process.send(stuck)
setInterval(() => {}, 1_000)
