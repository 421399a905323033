// Watches, and has nothing else to do: watching.mjs FOLDER OPTIONS
import { openStore } from '../../dist/lib/index.js'

const [folder, options] = process.argv.slice(2)
const store = await openStore(folder)
await store.watch(JSON.parse(options)).ready
process.disconnect()
