// Rewrites and reads a log of that many megabytes, and reports the memory used: large-rewrite.mjs FOLDER MEGABYTES
import fs from 'node:fs'
import { openStore } from '../../dist/lib/index.js'

const [folder, megabytes] = process.argv.slice(2)
const store = await openStore(folder)
const session = store.session('a')
const first = await session.append({ role: 'user', content: 'first' })
const id = (i) => `03000000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`
const line = (i) =>
  `{"id":"${id(i)}","at":"2030-01-01T00:00:00.000Z","role":"user","content":"${String(i).padEnd(900, 'x')}"}\n`
const messages = Number(megabytes) * 1_000
for (let i = 0; i < messages; i += 1_000) {
  fs.appendFileSync(session.path, Array.from({ length: 1_000 }, (_, j) => line(i + j)).join(''))
}
await session.remove(first)

let most = 0
const measure = () => {
  most = Math.max(most, process.memoryUsage().rss)
}
const before = process.memoryUsage().rss
const timer = setInterval(measure, 5)
const start = performance.now()
const result = await session.rewrite()
let counted = 0
for await (const message of session.stream()) if (message.role === 'user') counted++
measure()
clearInterval(timer)
const ms = Math.round(performance.now() - start)
if (result === null) throw new Error('nothing was rewritten')
process.send({ grown: Math.round((most - before) / 1e6), messages, counted, ms }, () => process.exit(0))
