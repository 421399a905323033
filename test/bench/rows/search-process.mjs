/** Searches once and prints how long that took from open to answer: node search-process.mjs COMPETITOR FOLDER WORDS... */
import { storeOf } from './store-of.mjs'

const [title, dir, ...words] = process.argv.slice(2)

const start = performance.now()
const store = await storeOf(title).open(dir)
const found = await store.search(words)
const milliseconds = performance.now() - start
await store.close()
console.log(JSON.stringify({ milliseconds, found }))
