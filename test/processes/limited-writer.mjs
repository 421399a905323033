// Appends until the system refuses: limited-writer.mjs FOLDER APPENDS. Prints what was acknowledged, and the error.
import { openStore } from '../../dist/lib/index.js'

const store = await openStore(process.argv[2], { appends: process.argv[3] })
const session = store.session('a')
const acknowledged = []
let code
for (let i = 0; code === undefined && i < 1_000; i++) {
  try {
    await session.append({ role: 'user', content: `message ${i}` })
    acknowledged.push(`message ${i}`)
  } catch (error) {
    code = error.code
  }
}
console.log(JSON.stringify({ acknowledged, code }))
process.exit(0)
