// Adds a message and counts it in a value, in one change each: changer.mjs FOLDER
import { openStore } from '../../dist/lib/index.js'

const store = await openStore(process.argv[2])
const session = store.session('a')
for (;;) {
  const n = await session.change({}, ({ value }) => {
    const next = (value('n') ?? 0) + 1
    return { append: [{ role: 'user', content: `${next}` }], values: [['n', next]], result: next }
  })
  process.send(n)
}
