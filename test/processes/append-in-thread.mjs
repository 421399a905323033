// Appends `count` messages to session a from a worker thread, every fifth under the lease.
import { workerData } from 'node:worker_threads'
import { openStore } from '../../dist/lib/index.js'

const { folder, prefix, count } = workerData
const store = await openStore(folder)
const session = store.session('a')
for (let i = 0; i < count; i++) {
  const message = { role: 'user', content: `${prefix} ${i}` }
  if (i % 5 > 0) await session.append(message)
  else await session.change({}, () => ({ append: [message], result: undefined }))
}
await store.close()
