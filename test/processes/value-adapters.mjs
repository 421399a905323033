// Counts through adapters of values: value-adapters.mjs FOLDER COUNT
import { JsonlStorageAdapter } from '../../dist/lib/adapters/grammy.js'
import { openStore } from '../../dist/lib/index.js'

const [folder, count] = process.argv.slice(2)
const store = await openStore(folder)
const grammy = new JsonlStorageAdapter(store)
process.on('message', async () => {
  for (let n = 0; n < Number(count); n++) {
    const { total = 0 } = (await grammy.read('chat')) ?? {}
    await grammy.write('chat', { total: total + 1, text: 'x'.repeat(500) })
    await grammy.write(`own ${process.pid}`, n)
  }
  process.send('done')
})
process.send('ready')
