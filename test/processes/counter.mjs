// Counts in one value, and sets others once: counter.mjs FOLDER COUNT
import { openStore } from '../../dist/lib/index.js'

const [folder, count] = process.argv.slice(2)
const store = await openStore(folder)
const session = store.session('a')
const mine = []
process.on('message', async () => {
  for (let n = 0; n < Number(count); n++) {
    await session.updateValue('n', (old) => (old ?? 0) + 1)
    await session.setValue(`${process.pid} ${n}`, n)
    if (await session.setValue(`once ${n}`, process.pid, { ifAbsent: true })) mine.push(n)
  }
  await store.close()
  process.send({ mine }, () => process.exit(0))
})
process.send('ready')
