/** Lists all sessions once and tells how long that took from open to answer: node list-process.mjs COMPETITOR FOLDER */
import { Naive } from '../competitors/naive.mjs'
import { Ours } from '../competitors/ours.mjs'
import { Raw } from '../competitors/raw.mjs'
import { Sqlite } from '../competitors/sqlite.mjs'

const [title, dir] = process.argv.slice(2)
const Store = [Ours, Raw, Sqlite, Naive].find((one) => one.title === title)

const start = performance.now()
const store = await Store.open(dir)
const rows = await store.list()
const milliseconds = performance.now() - start
await store.close()
console.log(JSON.stringify({ milliseconds, rows: rows.length }))
