// A process that writes a little and then has nothing more to do: short-life.mjs FOLDER WAY
import { openStore } from '../../dist/lib/index.js'

const [folder, way] = process.argv.slice(2)
const store = await openStore(folder, { fsync: 'everysec' })
const session = store.session('a')
await session.append({ role: 'user', content: '1' })
await session.setState('running', 'turn')
await session.append({ role: 'user', content: '2' })
const last = session.append({ role: 'user', content: '3' })
if (way !== 'no await') await last
if (way === 'close') await store.close()
console.log('done')
