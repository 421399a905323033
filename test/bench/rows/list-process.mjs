/** Lists all sessions once and prints how long that took from open to answer: node list-process.mjs COMPETITOR FOLDER */
import { storeOf } from './store-of.mjs'

const [title, dir] = process.argv.slice(2)

const start = performance.now()
const store = await storeOf(title).open(dir)
const rows = await store.list()
const milliseconds = performance.now() - start
await store.close()
console.log(JSON.stringify({ milliseconds, rows: rows.length }))
