// Appends messages of mixed sizes: writer.mjs FOLDER ACKS NAME COUNT KEYS [FIRST]
// ACKS gets a line `NAME-NUMBER MS` for each that was acknowledged.
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'

const [folder, acks, name, count, keys, first = '0'] = process.argv.slice(2)
const log = fs.openSync(acks, 'a')
const store = await openStore(folder, { lockTimeout: 120_000 })
const all = JSON.parse(keys)
const seed = name.charCodeAt(1)

for (let i = Number(first); i < Number(count); i++) {
  const text = `${name}-${i} `
  const content = text + 'x'.repeat(Math.max(0, sizeOf(i) - text.length))
  const start = performance.now()
  for (;;) {
    try {
      await store.session(all[(i * 7 + seed) % all.length]).append({ role: 'user', content })
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

/** From 10 bytes to 1 MB: of 64 messages one of 1 MB and half of them short. */
function sizeOf(i) {
  const place = (i * 29 + seed * 11) % 64
  if (place === 0) return 1_000_000
  if (place === 1) return 300_000
  if (place < 6) return 40_000
  if (place < 16) return 5_000
  if (place < 32) return 1_000
  return place < 48 ? 100 : 10
}
