// Appends messages of mixed sizes: writer.mjs FOLDER ACKS NAME COUNT KEYS
// ACKS gets a line `NAME-NUMBER MS` for each that was acknowledged.
import fs from 'node:fs'
import { openStore } from '../../dist/src/index.js'

const [folder, acks, name, count, keys] = process.argv.slice(2)
const log = fs.openSync(acks, 'a')
const store = await openStore(folder, { lockTimeout: 120_000 })
const sizes = [10, 100, 1_000, 5_000, 40_000, 300_000]
const all = JSON.parse(keys)

for (let i = 0; i < Number(count); i++) {
  const content = `${name}-${i} ${'x'.repeat(sizes[(i * 7 + name.charCodeAt(1)) % sizes.length])}`
  const start = performance.now()
  for (;;) {
    try {
      await store.session(all[i % all.length]).append({ role: 'user', content })
      break
    } catch (error) {
      // a lock that the test took away: nothing was written, the message is still ours to send
      if (error.code !== 'ERR_LOCK_LOST') throw error
    }
  }
  fs.writeSync(log, `${name}-${i} ${Math.round(performance.now() - start)}\n`)
}
await store.close()
process.exit(0)
